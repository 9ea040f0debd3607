import type { ProgressHandle, Reporter } from '@septum/core'
import type { OutputStream } from '../terminal.js'
import { monotonicSeconds, Task, type TaskListener } from './tasks.js'

const PROGRESS_SECONDS = 1

/** Events for programs, one JSON object a line: `info`, `warning`, `progress` (at most one a second and task). */
export class JsonReporter implements Reporter, TaskListener {
  private readonly said = new Map<Task, number>()
  private readonly clock: () => number

  constructor(
    private readonly stream: OutputStream,
    private readonly options: { readonly quiet?: boolean; readonly clock?: () => number } = {},
  ) {
    this.clock = options.clock ?? monotonicSeconds
  }

  info(text: string): void {
    if (!this.options.quiet) this.event('info', { text })
  }

  warn(text: string): void {
    this.event('warning', { text })
  }

  progress(label: string, total: number, unit = ''): ProgressHandle {
    const task = new Task(label, total, unit, this.said.size > 0, this, this.clock)
    if (!this.options.quiet) {
      this.said.set(task, this.clock())
      this.event('progress', { ...task.state(), finished: false })
    }
    return task
  }

  updated(task: Task): void {
    const last = this.said.get(task)
    if (last === undefined || this.clock() - last < PROGRESS_SECONDS) return
    this.said.set(task, this.clock())
    this.event('progress', { ...task.state(), finished: false })
  }

  finished(task: Task): void {
    if (this.said.delete(task)) this.event('progress', { ...task.state(), finished: true })
  }

  stop(): void {
    this.said.clear()
  }

  /** Writes one line. NaN and infinities become null. */
  event(event: string, fields: object): void {
    this.stream.write(`${JSON.stringify({ event, ...fields })}\n`)
  }
}
