import { type BundleModel, openBundle, SeptumError } from '@septum/core'
import * as ort from 'onnxruntime-web/wasm'
import { problemOf } from '../files/problem.js'
import { bundleFiles } from './bundle-files.js'
import type { FromWorker, ModelSource, ToWorker } from './messages.js'
import { runBundle } from './predict.js'

/** The part of a worker's scope that is used here; the page's types are in force in this package. */
interface Scope {
  postMessage(message: FromWorker): void
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
}
const scope = self as unknown as Scope

let bundle: BundleModel | undefined

scope.onmessage = ({ data }) => {
  const work = data.type === 'open' ? open(data.source, data.runtime) : run(data.request)
  work.catch((error: unknown) => scope.postMessage({ type: 'problem', problem: problemOf(error) }))
}

async function open(source: ModelSource, runtime: string): Promise<void> {
  ort.env.wasm.wasmPaths = runtime
  // Threads need shared memory, which a browser grants only to pages served with COOP and COEP headers.
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  await bundle?.release()
  bundle = undefined
  bundle = await openBundle(
    bundleFiles(source),
    {
      Tensor: ort.Tensor,
      create: (bytes) => ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] }),
    },
    { onProgress: (done, total) => scope.postMessage({ type: 'loading', done, total }) },
  )
  const { manifest } = bundle
  if (manifest.dimensions !== 2) {
    throw new SeptumError(
      'viewer-volume',
      'This model segments volumes, which the viewer does not show yet',
      'Use it with `septum predict`, or choose a model for pictures.',
    )
  }
  scope.postMessage({ type: 'opened', manifest })
}

async function run(request: Extract<ToWorker, { type: 'run' }>['request']): Promise<void> {
  if (!bundle) throw new SeptumError('viewer-no-model', 'No model is open', 'Choose a model first.')
  const result = await runBundle(bundle, request, {
    onProgress: (done, total) => scope.postMessage({ type: 'progress', done, total }),
    onStage: (stage) => scope.postMessage({ type: 'stage', stage }),
  })
  scope.postMessage({ type: 'result', result })
}
