import type { ProgressHandle, Reporter } from '@septum/core'
import { type OutputStream, oneLine, type Paint, printable } from '../terminal.js'
import { formatDuration, lastingDetails } from './format.js'
import { progressLine } from './line.js'
import { monotonicSeconds, Task, type TaskListener } from './tasks.js'

export interface TerminalReporterOptions {
  readonly stream: OutputStream
  readonly unicode: boolean
  readonly paint: Paint
  readonly quiet?: boolean
  readonly clock?: () => number
}

const REDRAW_SECONDS = 0.1
const CLEAR_BELOW = '\x1b[J'
const CLEAR_LINE_END = '\x1b[K'

/**
 * One progress line at the bottom of a terminal, redrawn in place; text appears above it. The innermost
 * running task is the one shown; outer tasks leave a line behind when they finish.
 *
 * The cursor rests at the start of the line. A terminal that re-wraps its content when it is resized takes
 * the cursor along with that character, so that clearing from there on removes every piece of the old line.
 */
export class TerminalReporter implements Reporter, TaskListener {
  private readonly tasks: Task[] = []
  private drawnAt = Number.NEGATIVE_INFINITY
  private drawn = false
  private timer: NodeJS.Timeout | undefined
  private readonly clock: () => number

  constructor(private readonly options: TerminalReporterOptions) {
    this.clock = options.clock ?? monotonicSeconds
  }

  info(text: string): void {
    if (!this.options.quiet) this.print(printable(text))
  }

  warn(text: string): void {
    this.print(`${this.options.paint('yellow', 'warning:')} ${printable(text)}`)
  }

  progress(label: string, total: number, unit = ''): ProgressHandle {
    const task = new Task(oneLine(label), total, unit, this.tasks.length > 0, this, this.clock)
    if (this.options.quiet) return task
    if (!this.tasks.length) {
      this.options.stream.on?.('resize', this.redraw)
      // The clock on the line runs on when a single step takes long.
      this.timer = setInterval(() => this.draw(), 1000).unref()
    }
    this.tasks.push(task)
    this.draw()
    return task
  }

  updated(task: Task): void {
    if (task !== this.tasks.at(-1) || this.clock() - this.drawnAt < REDRAW_SECONDS) return
    this.draw()
  }

  finished(task: Task): void {
    const place = this.tasks.indexOf(task)
    if (place < 0) return
    this.tasks.splice(place, 1)
    if (!task.nested) this.print(this.summary(task))
    if (this.tasks.length) this.draw()
    else this.stop()
  }

  /** Takes the progress line away, e.g. before a result or an error is printed. */
  stop(): void {
    this.tasks.length = 0
    clearInterval(this.timer)
    this.timer = undefined
    this.options.stream.off?.('resize', this.redraw)
    this.clear()
  }

  private summary(task: Task): string {
    const { paint, unicode } = this.options
    const { label, done, total, unit, details, elapsedSeconds } = task.state()
    const whole = done >= total
    const mark = whole ? paint('green', unicode ? '✓' : 'done') : paint('yellow', unicode ? '–' : 'stopped')
    const count = `${whole ? total : `${done} of ${total}`} ${unit}`.trimEnd()
    const facts = [count, formatDuration(elapsedSeconds), ...lastingDetails(details)]
    return `${mark} ${paint('bold', label)}  ${facts.join(paint('dim', unicode ? ' · ' : ' | '))}`
  }

  private print(text: string): void {
    this.clear()
    this.options.stream.write(`${text}\n`)
    if (this.tasks.length) this.draw()
  }

  private readonly redraw = (): void => {
    this.clear()
    this.draw()
  }

  private draw(): void {
    const task = this.tasks.at(-1)
    if (!task) return
    const { stream, unicode, paint } = this.options
    // The last column stays free: some terminals wrap as soon as it is filled.
    const columns = Math.max((stream.columns || 80) - 1, 1)
    const state = task.state()
    stream.write(`${progressLine(state, { columns, unicode, paint })}${CLEAR_LINE_END}\r`)
    this.drawn = true
    this.drawnAt = this.clock()
  }

  private clear(): void {
    if (!this.drawn) return
    this.options.stream.write(`\r${CLEAR_BELOW}`)
    this.drawn = false
  }
}
