import { type ChildProcess, fork } from 'node:child_process'
import type { Log } from '../log.js'
import type { FromWorker, ToWorker, WorkerJob } from './messages.js'

export interface WorkerEvents {
  onReady(): void
  onMessage(message: Exclude<FromWorker, { type: 'ready' }>): void
  /** The process ended; another one is started by itself. */
  onEnd(): void
}

export interface WorkerOptions {
  readonly threads: number
  /** Default: this package's. */
  readonly program?: URL
  readonly log: Log
}

/** Longest pause before a worker that keeps ending is started again. */
const LONGEST_PAUSE_MS = 10_000

/** A worker process that is started again, with growing pauses, whenever it ends. */
export class WorkerProcess {
  private child: ChildProcess | undefined
  private timer: NodeJS.Timeout | undefined
  private closed = false
  private endings = 0
  ready = false
  restarts = 0

  constructor(
    private readonly options: WorkerOptions,
    private readonly events: WorkerEvents,
  ) {
    this.start()
  }

  run(job: WorkerJob): void {
    this.send({ type: 'job', job })
  }

  cancel(id: string): void {
    this.send({ type: 'cancel', id })
  }

  /** Ends the process at once; it is started again. */
  kill(): void {
    this.child?.kill('SIGKILL')
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Ends the process for good. */
  async close(): Promise<void> {
    this.closed = true
    clearTimeout(this.timer)
    const { child } = this
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    await new Promise((resolve) => {
      child.once('exit', resolve)
      child.kill('SIGKILL')
    })
  }

  private send(message: ToWorker): void {
    // A process that just ended cannot be sent to; its end is reported by `exit`.
    if (this.child?.connected) this.child.send(message, () => {})
  }

  private start(): void {
    const { program = new URL('./worker.js', import.meta.url), threads, log } = this.options
    const child = fork(program, [], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    })
    this.child = child
    child.on('message', (message: FromWorker) => {
      if (message.type !== 'ready') {
        // It does its work: the next end is not one of a series.
        if (message.type === 'done') this.endings = 0
        this.events.onMessage(message)
        return
      }
      this.ready = true
      log.info('worker-ready')
      this.events.onReady()
    })
    child.on('error', () => {})
    child.on('exit', (code, signal) => {
      this.ready = false
      if (this.closed) return
      this.endings++
      this.restarts++
      const pause = this.endings <= 1 ? 0 : Math.min(LONGEST_PAUSE_MS, 250 * 2 ** (this.endings - 2))
      log.warn('worker-ended', { code, signal, restartMs: pause })
      this.timer = setTimeout(() => this.start(), pause)
      this.events.onEnd()
    })
    this.send({ type: 'setup', threads })
  }
}
