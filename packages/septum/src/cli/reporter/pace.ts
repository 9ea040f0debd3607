/** Seconds over which older speed is forgotten: long enough to be calm, short enough to follow a change. */
const MEMORY_SECONDS = 30

/**
 * Speed and time left of a task, from updates of "done so far". The first update is only the starting
 * point, so that a resumed run does not count the work of its predecessor.
 */
export class Pace {
  private lastDone: number | undefined
  private lastTime = 0
  private work = 0
  private time = 0

  /** @param startTime in seconds, of any clock. */
  constructor(private readonly startTime: number) {}

  update(done: number, now: number): void {
    if (this.lastDone === undefined) {
      // The first unit is counted with its own time; a jump over several is a resumed task.
      this.lastDone = done > 1 ? done : 0
      this.lastTime = done > 1 ? now : this.startTime
    }
    const seconds = now - this.lastTime
    const units = done - this.lastDone
    if (units <= 0 || seconds <= 0) return
    const kept = Math.exp(-seconds / MEMORY_SECONDS)
    this.work = this.work * kept + units
    this.time = this.time * kept + seconds
    this.lastDone = done
    this.lastTime = now
  }

  /** Units a second; undefined until something was done. */
  get speed(): number | undefined {
    return this.time > 0 ? this.work / this.time : undefined
  }

  /** Seconds until `total`; undefined as long as the speed is. */
  secondsLeft(total: number, now: number): number | undefined {
    const { speed } = this
    if (speed === undefined || this.lastDone === undefined) return undefined
    return Math.max(0, (total - this.lastDone) / speed - (now - this.lastTime))
  }
}
