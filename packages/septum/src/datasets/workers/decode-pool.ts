import { Worker } from 'node:worker_threads'
import { SeptumError } from '@septum/core'
import type { DecodedCase, DecodeSettings, DecodingDataset } from '../case.js'
import type { SegmentationCase } from '../dataset.js'
import { revivedError, type WorkerJob, type WorkerReply, type WorkerSetup } from './messages.js'

export interface DecodePoolOptions {
  /** Threads, each of which decodes one case at a time. */
  readonly workers: number
  /** Program of a thread. Default: this package's. */
  readonly program?: URL
}

interface Task {
  readonly job: WorkerJob
  readonly resolve: (decoded: DecodedCase) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  task: Task | undefined
}

/**
 * Threads that read, preprocess and hand over cases in shared memory, so that gunzip and conversion of volumes do not
 * hold up a training step. At most `workers` cases are under way; the rest waits in the order of asking. What comes back
 * is what `loadCase` gives here. Idle threads do not keep the process alive.
 */
export class DecodePool {
  private readonly threads: Thread[] = []
  private readonly waiting: Task[] = []
  private readonly setup: WorkerSetup
  private readonly program: URL
  private readonly most: number
  private next = 0
  private closed = false

  constructor(
    { coding, raters, imageChannels, description }: DecodingDataset,
    { workers, program = new URL('./decode-worker.js', import.meta.url) }: DecodePoolOptions,
  ) {
    if (!Number.isInteger(workers) || workers < 1)
      throw new RangeError(`a pool needs threads, not ${workers}`)
    this.setup = {
      dataset: { coding, raters, imageChannels, description: { maxValue: description.maxValue } },
    }
    this.program = program
    this.most = workers
  }

  /** @throws SeptumError as `loadCase`; `worker-died` naming the case that a thread ended with. */
  decode(entry: SegmentationCase, settings: DecodeSettings = {}): Promise<DecodedCase> {
    if (this.closed) return Promise.reject(new Error('the pool is closed'))
    return new Promise((resolve, reject) => {
      this.waiting.push({ job: { id: this.next++, entry, settings }, resolve, reject })
      this.dispatch()
    })
  }

  /** Ends the threads; what is under way is rejected. */
  async close(): Promise<void> {
    this.closed = true
    for (const { reject } of this.waiting.splice(0)) reject(new Error('the pool is closed'))
    const ends = this.threads.splice(0).map(({ worker }) => {
      // An idle thread would let the process end before it has ended itself, and whoever waits here with it.
      worker.ref()
      return worker.terminate()
    })
    await Promise.all(ends)
  }

  private dispatch(): void {
    while (this.waiting.length > 0) {
      const free = this.threads.find(({ task }) => !task) ?? this.start()
      if (!free) return
      free.task = this.waiting.shift()!
      free.worker.ref()
      free.worker.postMessage(free.task.job)
    }
  }

  private start(): Thread | undefined {
    if (this.threads.length >= this.most) return undefined
    const worker = new Worker(this.program, { workerData: this.setup })
    const thread: Thread = { worker, task: undefined }
    this.threads.push(thread)
    let cause: Error | undefined
    worker.on('message', (reply: WorkerReply) => {
      const { task } = thread
      thread.task = undefined
      worker.unref()
      if ('error' in reply) task?.reject(revivedError(reply.error))
      else task?.resolve(reply.decoded)
      this.dispatch()
    })
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => {
      const at = this.threads.indexOf(thread)
      if (at >= 0) this.threads.splice(at, 1)
      thread.task?.reject(died(thread.task.job.entry, code, cause))
      // Others get a new thread.
      if (!this.closed) this.dispatch()
    })
    return thread
  }
}

function died({ name, images }: SegmentationCase, code: number, cause: Error | undefined): SeptumError {
  const why = cause ? `: ${cause.message}` : ` (exit code ${code})`
  return new SeptumError(
    'worker-died',
    `The thread that decoded the case ended${why}`,
    'If memory ran out, set fewer workers; if not, the file may be damaged: open it alone to see what it says.',
    { case: name, file: images[0]!.file },
    { cause },
  )
}
