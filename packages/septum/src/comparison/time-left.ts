import { formatSeconds } from './numbers.js'
import type { PlannedRun } from './types.js'

type Run = Pick<PlannedRun, 'entry'>

/** Guesses the time of runs to come from those of the same method, else from all. */
export class TimeLeft {
  private readonly open: Set<Run>
  private readonly seconds = new Map<string, number[]>()

  constructor(runs: readonly Run[]) {
    this.open = new Set(runs)
  }

  /** @param seconds that it took; null for one that was there already */
  done(run: Run, seconds: number | null): void {
    this.open.delete(run)
    if (seconds !== null) this.seconds.set(run.entry, [...(this.seconds.get(run.entry) ?? []), seconds])
  }

  /** @returns seconds, undefined until a run has been timed */
  get left(): number | undefined {
    const all = [...this.seconds.values()].flat()
    if (all.length === 0) return undefined
    return [...this.open].reduce((sum, { entry }) => sum + mean(this.seconds.get(entry) ?? all), 0)
  }

  text(): string | undefined {
    const { left } = this
    return left === undefined ? undefined : formatSeconds(left)
  }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length
