import { Worker } from 'node:worker_threads'
import { SeptumError } from '@septum/core'
import type { DecodedCase, DecodeSettings, DecodingDataset } from '../case.js'
import type { SegmentationCase } from '../dataset.js'
import { revivedError, type WorkerJob, type WorkerReply, type WorkerSetup } from './messages.js'

export interface DecodePoolOptions {
  /** Threads, each of which has one case in its own hands and one with the decoder of pictures at a time. */
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
  /** Those under way, then those that wait in the thread. */
  readonly tasks: Task[]
  readonly atOnce: number
}

/** While the decoder's thread has one case (pictures are decoded there), a thread of ours has another. */
const AT_ONCE = 2

/**
 * Threads that read, preprocess and hand over cases in shared memory, so that gunzip and conversion of volumes do not
 * hold up a training step. What is asked for waits in the threads, which need no answer of this one to go on: it may be
 * in a long step. Whoever asks bounds how much that is. What comes back is what `loadCase` gives here. Idle threads do
 * not keep the process alive.
 */
export class DecodePool {
  private readonly threads: Thread[] = []
  private readonly setup: Omit<WorkerSetup, 'atOnce'>
  private readonly program: URL
  private readonly most: number
  private next = 0
  private atOnce = AT_ONCE
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
      this.assign({ job: { id: this.next++, entry, settings }, resolve, reject })
    })
  }

  /** Ends the threads; what is under way is rejected. */
  async close(): Promise<void> {
    this.closed = true
    const ends = this.threads.splice(0).map(({ worker, tasks }) => {
      for (const { reject } of tasks.splice(0)) reject(new Error('the pool is closed'))
      // An idle thread would let the process end before it has ended itself, and whoever waits here with it.
      worker.ref()
      return worker.terminate()
    })
    await Promise.all(ends)
  }

  private assign(task: Task): void {
    const idle = this.threads.find(({ tasks }) => tasks.length === 0) ?? this.start()
    const { worker, tasks } =
      idle ?? this.threads.reduce((least, one) => (one.tasks.length < least.tasks.length ? one : least))
    tasks.push(task)
    worker.ref()
    worker.postMessage(task.job)
  }

  private start(): Thread | undefined {
    if (this.threads.length >= this.most) return undefined
    const { atOnce } = this
    const setup: WorkerSetup = { ...this.setup, atOnce }
    const worker = new Worker(this.program, { workerData: setup })
    const thread: Thread = { worker, tasks: [], atOnce }
    this.threads.push(thread)
    let cause: Error | undefined
    worker.on('message', (reply: WorkerReply) => {
      const [task] = thread.tasks.splice(
        thread.tasks.findIndex(({ job }) => job.id === reply.id),
        1,
      )
      if (thread.tasks.length === 0) worker.unref()
      if ('error' in reply) task?.reject(revivedError(reply.error))
      else task?.resolve(reply.decoded)
    })
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => {
      const at = this.threads.indexOf(thread)
      if (at >= 0) this.threads.splice(at, 1)
      const left = thread.tasks.splice(0)
      if (thread.atOnce === 1 || left.length === 1) {
        const under = left.shift()
        under?.reject(died(under.job.entry, code, cause))
      }
      // Others get a new thread; which of several it was shows when they are decoded one by one.
      this.atOnce = 1
      for (const task of left) this.assign(task)
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
