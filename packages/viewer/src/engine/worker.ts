import { type BundleModel, openBundle, SeptumError } from '@septum/core'
import * as ort from 'onnxruntime-web/wasm'
import { problemOf } from '../files/problem.js'
import { type Backend, chooseBackend } from './backend.js'
import { webGpuOf } from './backend-webgpu.js'
import { bundleFiles } from './bundle-files.js'
import type { FromWorker, ModelSource, ToWorker, VolumeRequest } from './messages.js'
import { runBundle } from './predict.js'
import { runVolume } from './volume.js'

/** The part of a worker's scope that is used here; the page's types are in force in this package. */
interface Scope {
  postMessage(message: FromWorker): void
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null
}
const scope = self as unknown as Scope

let bundle: BundleModel | undefined
/** The same model on WebGPU, once it passed its test. */
let fast: BundleModel | undefined
let place: { readonly source: ModelSource; readonly runtime: string } | undefined

scope.onmessage = ({ data }) => {
  answer(data).catch((error: unknown) => scope.postMessage({ type: 'problem', problem: problemOf(error) }))
}

function answer(question: ToWorker): Promise<void> {
  switch (question.type) {
    case 'open':
      return open(question.source, question.runtime)
    case 'backend':
      return useBackend(question.wish, question.leastGain)
    case 'run':
      return run(question.request)
    case 'volume':
      return segmentVolume(question.request)
  }
}

async function open(source: ModelSource, runtime: string): Promise<void> {
  ort.env.wasm.wasmPaths = runtime
  // Threads need shared memory, which a browser grants only to pages served with COOP and COEP headers.
  ort.env.wasm.numThreads = crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1
  await fast?.release()
  await bundle?.release()
  fast = undefined
  bundle = undefined
  place = { source, runtime }
  bundle = await openBundle(
    bundleFiles(source),
    {
      Tensor: ort.Tensor,
      create: (bytes) => ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] }),
    },
    { onProgress: (done, total) => scope.postMessage({ type: 'loading', done, total }) },
  )
  const { manifest } = bundle
  scope.postMessage({ type: 'opened', manifest })
}

async function run(request: Extract<ToWorker, { type: 'run' }>['request']): Promise<void> {
  const result = await compute((model) =>
    runBundle(model, request, {
      onProgress: (done, total) => scope.postMessage({ type: 'progress', done, total }),
      onStage: (stage) => scope.postMessage({ type: 'stage', stage }),
    }),
  )
  scope.postMessage({ type: 'result', result })
}

async function segmentVolume(request: VolumeRequest): Promise<void> {
  const result = await compute((model) =>
    runVolume(model, request, (done, total) => scope.postMessage({ type: 'progress', done, total })),
  )
  scope.postMessage({ type: 'volume-result', result })
}

/** WebGPU is tested with the model that is open; see `chooseBackend`. */
async function useBackend(wish: Backend, leastGain?: number): Promise<void> {
  const model = opened()
  await fast?.release()
  fast = undefined
  const { source, runtime } = place!
  const webgpu = webGpuOf(bundleFiles(source), runtime)
  const chosen = wish === 'webgpu' ? await chooseBackend(model, webgpu, leastGain) : undefined
  fast = chosen?.model
  scope.postMessage({ type: 'backend', report: chosen?.report ?? { backend: 'wasm', reason: '' } })
}

/** A graphics card that is lost in the middle of a run costs the run some time, no more. */
async function compute<Result>(work: (model: BundleModel) => Promise<Result>): Promise<Result> {
  const model = opened()
  if (!fast) return work(model)
  try {
    return await work(fast)
  } catch (error) {
    if (!(error instanceof SeptumError) || error.code !== 'bundle-graph') throw error
    await fast.release().catch(() => {})
    fast = undefined
    const reason = 'WebGPU failed while it ran: the model went back to the processor.'
    scope.postMessage({ type: 'backend', report: { backend: 'wasm', reason } })
    return work(model)
  }
}

function opened(): BundleModel {
  if (!bundle) throw new SeptumError('viewer-no-model', 'No model is open', 'Choose a model first.')
  return bundle
}
