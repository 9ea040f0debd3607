import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import type { InferenceSettings } from '../../inference/index.js'
import type { JobError, JobResult } from '../worker/messages.js'

export type JobState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled'

/** One image that somebody wants segmented. */
export class Job {
  readonly id = randomUUID()
  state: JobState = 'waiting'
  progress = { done: 0, total: 0 }
  result: JobResult | undefined
  error: JobError | undefined
  /** Times that a worker began it. */
  attempts = 0
  readonly created = Date.now()
  started: number | undefined
  finished: number | undefined
  private readonly changes = new EventEmitter().setMaxListeners(0)

  constructor(
    readonly model: { readonly id: string; readonly folder: string },
    readonly settings: InferenceSettings,
    /** Its own folder: the upload and `out/`. */
    readonly folder: string,
    readonly input: string,
  ) {}

  get over(): boolean {
    return this.finished !== undefined
  }

  /** Tells those who watch. */
  changed(): void {
    this.changes.emit('change')
  }

  /** @returns a function that ends the watching. */
  watch(listener: () => void): () => void {
    this.changes.on('change', listener)
    return () => this.changes.off('change', listener)
  }

  /** Resolves when the job is over, the time is up or the signal is aborted. */
  async settled(ms: number, signal?: AbortSignal): Promise<void> {
    if (this.over || ms <= 0 || signal?.aborted) return
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer)
        stop()
        signal?.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      const stop = this.watch(() => {
        if (this.over) end()
      })
      signal?.addEventListener('abort', end)
    })
  }
}
