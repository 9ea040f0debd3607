import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '../log.js'
import type { Metrics } from '../metrics.js'
import type { ServerLimits } from '../settings.js'
import type { FromWorker, JobError } from '../worker/messages.js'
import { WorkerProcess } from '../worker/worker-process.js'
import type { Job, JobState } from './job.js'

export interface JobQueueOptions {
  readonly limits: ServerLimits
  readonly log: Log
  readonly metrics: Metrics
  readonly threads: number
  /** Program of the worker. */
  readonly program?: URL
}

/** A worker that does not stop by itself within this time is killed: one step of a model may take long. */
const CANCEL_MS = 2000

/** A job whose worker ends is begun once more: the machine may have been short of memory for a moment. */
const MOST_ATTEMPTS = 2

/** Seconds that a job is taken to last before one was measured. */
const FIRST_GUESS = 2

/**
 * Jobs in the order of their coming, one at a time in a worker process. What waits survives the end of the worker.
 * Finished jobs are kept for a while, with their results on disk.
 */
export class JobQueue {
  private readonly waiting: Job[] = []
  private readonly jobs = new Map<string, Job>()
  private readonly deadlines = new Map<Job, NodeJS.Timeout>()
  private readonly worker: WorkerProcess
  private readonly sweeper: NodeJS.Timeout
  private running: Job | undefined
  private stopping: { readonly job: Job; readonly state: JobState; readonly error?: JobError } | undefined
  private killer: NodeJS.Timeout | undefined
  private reserved = 0
  private meanSeconds = FIRST_GUESS
  private closing = false
  workerBytes = 0

  constructor(private readonly options: JobQueueOptions) {
    const { program, threads, log } = options
    this.worker = new WorkerProcess(
      { threads, log, ...(program && { program }) },
      {
        onReady: () => this.next(),
        onMessage: (message) => this.hear(message),
        onEnd: () => this.workerEnded(),
      },
    )
    this.sweeper = setInterval(() => this.sweep(), 5000).unref()
  }

  /** Takes a place in the queue before an upload. @returns a function that gives it back; undefined when all are taken. */
  reserve(): (() => void) | undefined {
    if (this.closing || this.waitingCount >= this.options.limits.queue) return undefined
    this.reserved++
    let held = true
    return () => {
      if (held) this.reserved--
      held = false
    }
  }

  /** Seconds after which a refused client may try again. */
  get retryAfter(): number {
    return Math.max(1, Math.ceil(this.meanSeconds))
  }

  get waitingCount(): number {
    return this.waiting.length + this.reserved
  }

  get runningCount(): number {
    return this.running ? 1 : 0
  }

  get keptCount(): number {
    return [...this.jobs.values()].filter((job) => job.over).length
  }

  get ready(): boolean {
    return this.worker.ready
  }

  get restarts(): number {
    return this.worker.restarts
  }

  /** For tests and operators. */
  get workerPid(): number | undefined {
    return this.worker.pid
  }

  find(id: string): Job | undefined {
    return this.jobs.get(id)
  }

  add(job: Job): void {
    this.jobs.set(job.id, job)
    this.waiting.push(job)
    const { deadlineMs } = this.options.limits
    const late = () =>
      this.stop(job, 'failed', {
        code: 'server-deadline',
        message: `The image was not segmented within ${deadlineMs / 1000} s`,
        hint: 'Ask for fewer masks, try again when the server is less busy, or use septum predict.',
      })
    this.deadlines.set(job, setTimeout(late, deadlineMs).unref())
    this.sweep()
    this.next()
  }

  cancel(job: Job): void {
    this.stop(job, 'cancelled')
  }

  /** Forgets a finished job and removes its files. */
  async remove(job: Job): Promise<void> {
    this.jobs.delete(job.id)
    await rm(job.folder, { recursive: true, force: true })
  }

  /** Refuses new jobs, lets the running one end within the grace period, cancels what waits, ends the worker. */
  async close(): Promise<void> {
    this.closing = true
    for (const job of [...this.waiting]) this.cancel(job)
    await this.running?.settled(this.options.limits.graceMs)
    if (this.running) this.finish(this.running, 'cancelled')
    clearInterval(this.sweeper)
    clearTimeout(this.killer)
    for (const timer of this.deadlines.values()) clearTimeout(timer)
    await this.worker.close()
  }

  private next(): void {
    if (this.running || !this.worker.ready) return
    const job = this.waiting.shift()
    if (!job) return
    this.running = job
    job.state = 'running'
    job.started ??= Date.now()
    job.attempts++
    const { decodedBytes, work } = this.options.limits
    this.worker.run({
      id: job.id,
      bundle: job.model.folder,
      input: job.input,
      out: join(job.folder, 'out'),
      settings: job.settings,
      limits: { decodedBytes, work },
    })
    job.changed()
  }

  private hear(message: Exclude<FromWorker, { type: 'ready' }>): void {
    const job = this.running
    if (!job || job.id !== message.id) return
    if (message.type === 'progress') {
      job.progress = { done: message.done, total: message.total }
      job.changed()
      return
    }
    if ('residentBytes' in message) this.workerBytes = message.residentBytes
    // What was to be stopped may have come to its end at the same moment: the wish counts.
    const stopped = this.stopping?.job === job ? this.stopping : undefined
    if (stopped) this.finish(job, stopped.state, stopped.error)
    else if (message.type === 'done') {
      job.result = message.result
      this.finish(job, 'done')
    } else if (message.type === 'failed') this.finish(job, 'failed', message.error)
    else this.finish(job, 'cancelled')
    this.next()
  }

  private stop(job: Job, state: 'failed' | 'cancelled', error?: JobError): void {
    if (job.over) return
    const at = this.waiting.indexOf(job)
    if (at >= 0) {
      this.waiting.splice(at, 1)
      this.finish(job, state, error)
    } else if (this.stopping?.job !== job) {
      this.stopping = { job, state, ...(error && { error }) }
      this.worker.cancel(job.id)
      this.killer = setTimeout(() => this.worker.kill(), CANCEL_MS)
    }
  }

  private workerEnded(): void {
    const { metrics, log } = this.options
    metrics.count('septum_worker_restarts_total')
    const job = this.running
    if (!job) return
    const stopped = this.stopping?.job === job ? this.stopping : undefined
    if (stopped) this.finish(job, stopped.state, stopped.error)
    else if (job.attempts < MOST_ATTEMPTS) {
      log.warn('job-again', { job: job.id })
      this.running = undefined
      job.state = 'waiting'
      job.progress = { done: 0, total: 0 }
      this.waiting.unshift(job)
      job.changed()
    } else {
      this.finish(job, 'failed', {
        code: 'server-worker',
        message: 'The process that segmented the image ended, twice',
        hint: 'The image may need more memory than the server has: ask for fewer masks or a smaller image.',
      })
    }
  }

  private finish(job: Job, state: JobState, error?: JobError): void {
    const { metrics, log } = this.options
    clearTimeout(this.deadlines.get(job))
    this.deadlines.delete(job)
    if (this.running === job) this.running = undefined
    if (this.stopping?.job === job) {
      this.stopping = undefined
      clearTimeout(this.killer)
    }
    job.state = state
    job.error = error
    job.finished = Date.now()
    const seconds = (job.finished - (job.started ?? job.finished)) / 1000
    metrics.count('septum_jobs_total', { state })
    if (job.started !== undefined) {
      metrics.observe('septum_job_seconds', seconds)
      metrics.observe('septum_job_wait_seconds', (job.started - job.created) / 1000)
      if (state === 'done') this.meanSeconds += 0.2 * (seconds - this.meanSeconds)
    }
    log.info('job', { job: job.id, model: job.model.id, state, seconds, code: error?.code })
    // The image of a patient is not kept longer than it is needed.
    void rm(join(job.folder, state === 'done' ? 'in' : '.'), { recursive: true, force: true }).catch(() => {})
    job.changed()
  }

  private sweep(): void {
    const { keepMs, keepJobs } = this.options.limits
    const over = [...this.jobs.values()].filter((job) => job.over).sort((a, b) => a.finished! - b.finished!)
    const surplus = over.length - keepJobs
    over.forEach((job, i) => {
      if (i < surplus || job.finished! + keepMs < Date.now()) void this.remove(job).catch(() => {})
    })
  }
}
