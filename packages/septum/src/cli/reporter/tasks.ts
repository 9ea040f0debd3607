import type { ProgressHandle } from '@septum/core'
import type { Details } from './format.js'
import type { ProgressState } from './line.js'
import { Pace } from './pace.js'

/** Seconds of a clock that never goes back. */
export const monotonicSeconds = (): number => performance.now() / 1000

/** What a task tells its reporter. */
export interface TaskListener {
  updated(task: Task): void
  finished(task: Task): void
}

/** The state behind one progress handle, the same for every kind of output. */
export class Task implements ProgressHandle {
  done = 0
  details: Details = {}
  over = false
  /** Of what is counted, e.g. `images`; `image` where there is one. */
  readonly unit: string
  private readonly startTime: number
  private readonly pace: Pace

  constructor(
    readonly label: string,
    readonly total: number,
    unit: string,
    /** True for a task inside another one. */
    readonly nested: boolean,
    private readonly listener: TaskListener,
    private readonly clock: () => number,
  ) {
    this.unit = total === 1 ? unit.replace(/s$/, '') : unit
    this.startTime = clock()
    this.pace = new Pace(this.startTime)
  }

  update(done: number, details?: Details): void {
    if (this.over) return
    this.done = done
    if (details) this.details = details
    this.pace.update(done, this.clock())
    this.listener.updated(this)
  }

  finish(): void {
    if (this.over) return
    this.over = true
    this.listener.finished(this)
  }

  state(): ProgressState {
    const now = this.clock()
    const { label, done, total, unit, details } = this
    const secondsLeft = this.pace.secondsLeft(total, now)
    return { label, done, total, unit, details, elapsedSeconds: now - this.startTime, secondsLeft }
  }
}
