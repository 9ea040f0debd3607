/** Where a problem was met: the file, the case (patient study) or the option. */
export interface ErrorPlace {
  readonly file?: string
  readonly case?: string
  readonly option?: string
}

/**
 * The one error that Septum shows to a person: one sentence of what happened, where, and what to do.
 * Programs read `code`; people read `message` and `hint`; no stack trace is ever printed for it.
 */
export class SeptumError extends Error {
  override readonly name = 'SeptumError'

  /**
   * @param code stable, kebab-case, e.g. `mask-missing`.
   * @param message one sentence without the place (it is added when printed).
   * @param hint what the reader should do next, one sentence.
   */
  constructor(
    readonly code: string,
    message: string,
    readonly hint: string,
    readonly place: ErrorPlace = {},
    options?: ErrorOptions,
  ) {
    super(message, options)
  }

  /** One line for a terminal: message, place, hint. */
  toLine(): string {
    const { file, case: caseName, option } = this.place
    const where = [caseName && `case ${caseName}`, file, option && `option ${option}`]
      .filter(Boolean)
      .join(', ')
    return `${this.message}${where ? ` (${where})` : ''}. ${this.hint}`
  }
}
