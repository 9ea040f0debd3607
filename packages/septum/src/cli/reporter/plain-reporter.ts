import type { ProgressHandle, Reporter } from '@septum/core'
import { type OutputStream, oneLine, printable } from '../terminal.js'
import { formatDetails, formatDuration, lastingDetails } from './format.js'
import { monotonicSeconds, Task, type TaskListener } from './tasks.js'

const LINE_SECONDS = 10
const LINE_SHARE = 0.05
/** A sign of life in tasks of which 5 % takes long. */
const SILENCE_SECONDS = 300

/**
 * Whole lines for a log file: a task speaks when 5 % and at least 10 seconds have passed since its last line
 * (after 5 minutes in any case), and when it finishes. Tasks inside another one are silent.
 */
export class PlainReporter implements Reporter, TaskListener {
  private readonly said = new Map<Task, { time: number; done: number }>()
  private readonly clock: () => number

  constructor(
    private readonly stream: OutputStream,
    private readonly options: { readonly quiet?: boolean; readonly clock?: () => number } = {},
  ) {
    this.clock = options.clock ?? monotonicSeconds
  }

  info(text: string): void {
    if (!this.options.quiet) this.stream.write(`${printable(text)}\n`)
  }

  warn(text: string): void {
    this.stream.write(`warning: ${printable(text)}\n`)
  }

  progress(label: string, total: number, unit = ''): ProgressHandle {
    const task = new Task(oneLine(label), total, unit, this.said.size > 0, this, this.clock)
    if (!this.options.quiet) this.said.set(task, { time: this.clock(), done: 0 })
    return task
  }

  updated(task: Task): void {
    const last = this.said.get(task)
    if (!last || task.nested) return
    const seconds = this.clock() - last.time
    const share = (task.done - last.done) / task.total
    if (seconds < LINE_SECONDS || (share < LINE_SHARE && seconds < SILENCE_SECONDS)) return
    this.said.set(task, { time: this.clock(), done: task.done })
    const { label, done, total, unit, details, elapsedSeconds, secondsLeft } = task.state()
    const percent = Math.floor((100 * done) / total)
    const left = secondsLeft === undefined ? [] : [`${formatDuration(secondsLeft)} left`]
    const facts = [`${percent} %`, ...formatDetails(details), formatDuration(elapsedSeconds), ...left]
    this.info(`${label}: ${`${done}/${total} ${unit}`.trimEnd()}, ${facts.join(', ')}`)
  }

  finished(task: Task): void {
    if (!this.said.delete(task) || task.nested) return
    const { label, done, total, unit, details, elapsedSeconds } = task.state()
    const count = `${done < total ? `${done} of ${total}` : total} ${unit}`.trimEnd()
    const facts = [count, formatDuration(elapsedSeconds), ...lastingDetails(details)]
    this.info(`${label}: ${done < total ? 'stopped' : 'done'}, ${facts.join(', ')}`)
  }

  stop(): void {
    this.said.clear()
  }
}
