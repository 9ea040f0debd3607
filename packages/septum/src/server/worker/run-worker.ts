import { setPriority } from 'node:os'
import { type BundleModel, SeptumError } from '@septum/core'
import {
  type InputCase,
  type ModelCost,
  measureModel,
  type OpenBundle,
  segmentCase,
} from '../../inference/index.js'
import { readInputHeader } from '../../inference/input/read.js'
import { type FromWorker, plainError, type ToWorker, type WorkerJob } from './messages.js'

interface Loaded {
  readonly model: BundleModel
  readonly cost: ModelCost
}

/**
 * The program of a worker process: decodes uploads and runs models, so that neither a hostile file nor a computation that
 * takes minutes holds up the server. One job at a time; models stay open.
 */
export function runWorker(open: OpenBundle): void {
  const loaded = new Map<string, Promise<Loaded>>()
  let threads = 1
  let current: { readonly id: string; readonly controller: AbortController } | undefined
  const send = (message: FromWorker) => process.send?.(message)

  // The server, which must answer at once, comes first.
  try {
    setPriority(5)
  } catch {
    // Not everywhere allowed, and no need.
  }
  // Nobody is left to work for.
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: ToWorker) => {
    if (message.type === 'setup') {
      threads = message.threads
      send({ type: 'ready' })
    } else if (message.type === 'cancel') {
      if (current?.id === message.id) current.controller.abort()
    } else void work(message.job)
  })

  function load(bundle: string): Promise<Loaded> {
    let entry = loaded.get(bundle)
    if (!entry) {
      entry = open(bundle, threads).then(async (model) => ({ model, cost: await measureModel(model) }))
      loaded.set(bundle, entry)
      // A bundle that cannot be opened now may be whole later.
      entry.catch(() => loaded.delete(bundle))
    }
    return entry
  }

  async function work(job: WorkerJob): Promise<void> {
    const { id } = job
    const controller = new AbortController()
    current = { id, controller }
    try {
      const { model, cost } = await load(job.bundle)
      const input = { name: 'mask', files: [job.input] }
      await checkWork(job, input, model)
      const { record } = await segmentCase([model], input, {
        ...job.settings,
        out: job.out,
        limits: { maxBytes: job.limits.decodedBytes },
        costs: [cost],
        index: 0,
        key: '',
        signal: controller.signal,
        onWindows: (done, total) => send({ type: 'progress', id, done, total }),
      })
      const { case: _, key: _key, ...result } = record
      send({ type: 'done', id, result, residentBytes: process.memoryUsage.rss() })
    } catch (error) {
      if (controller.signal.aborted) send({ type: 'cancelled', id })
      else {
        if (!(error instanceof SeptumError))
          process.stderr.write(`${error instanceof Error ? error.name : 'error'}\n`)
        send({ type: 'failed', id, error: plainError(error), residentBytes: process.memoryUsage.rss() })
      }
    } finally {
      current = undefined
    }
  }
}

/** @throws SeptumError `server-work` for an image that is too large for the masks asked for. */
async function checkWork(
  { settings, limits }: WorkerJob,
  input: InputCase,
  { manifest }: BundleModel,
): Promise<void> {
  const { shape } = await readInputHeader(input, { maxBytes: limits.decodedBytes })
  const { model } = manifest
  const samples = model.kind === 'next-scale' ? (settings.samples ?? model.sampling.samples) : 1
  const values = shape.slice(1).reduce((product, side) => product * side, samples)
  if (values <= limits.work) return
  throw new SeptumError(
    'server-work',
    `The image has ${shape.slice(1).join(' x ')} samples and ${samples} masks were asked for: more than this server does`,
    'Ask for fewer masks, or segment the image with septum predict.',
  )
}
