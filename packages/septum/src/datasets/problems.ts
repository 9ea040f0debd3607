import { type ErrorPlace, SeptumError } from '@septum/core'

const SHOWN = 10

/** Collects everything that is wrong with a data set, so that it can be repaired in one go. */
export class Problems {
  private readonly found: SeptumError[] = []

  add(code: string, message: string, hint: string, place: ErrorPlace = {}): void {
    this.found.push(new SeptumError(code, message, hint, place))
  }

  /** Keeps a `SeptumError` with the case it belongs to; anything else is thrown on. */
  keep(error: unknown, caseName?: string): void {
    if (!(error instanceof SeptumError)) throw error
    const place = caseName === undefined ? error.place : { ...error.place, case: caseName }
    this.found.push(new SeptumError(error.code, error.message, error.hint, place, { cause: error }))
  }

  get all(): readonly SeptumError[] {
    return this.found
  }

  get count(): number {
    return this.found.length
  }

  /**
   * @throws the problem itself when there is one; with several, `dataset-problems`, whose message shows
   * the first ten a line each.
   */
  throwIfAny(dir: string): void {
    const [first, ...others] = this.found
    if (!first) return
    if (others.length === 0) throw first
    const lines = this.found.slice(0, SHOWN).map((problem) => `\n  ${problem.toLine()}`)
    const rest = this.found.length - lines.length
    throw new SeptumError(
      'dataset-problems',
      `The data set has ${this.found.length} problems:${lines.join('')}${rest > 0 ? `\n  and ${rest} more` : ''}\n`,
      'Repair these and run the command again.',
      { file: dir },
    )
  }
}
