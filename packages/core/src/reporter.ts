/** One running task with a known length, e.g. an epoch or the cases of an evaluation. */
export interface ProgressHandle {
  /**
   * @param done units finished so far, 0 to `total`.
   * @param details values worth showing beside the bar, e.g. `{ loss: 0.41, 'samples/s': 120 }`.
   */
  update(done: number, details?: Readonly<Record<string, number | string>>): void
  /** Ends the task; later updates are ignored. */
  finish(): void
}

/** Where libraries say what they do: a terminal, a log file, a web page. Libraries never print. */
export interface Reporter {
  /** One line that a person may want to know. */
  info(text: string): void
  /** One line about something that was handled but that a person should look at. */
  warn(text: string): void
  /**
   * @param total number of units, 0 or more.
   * @param unit name of the units, e.g. `steps`.
   */
  progress(label: string, total: number, unit?: string): ProgressHandle
}

const silentProgress: ProgressHandle = { update() {}, finish() {} }

/** Drops everything: for tests and for programs that embed the libraries. */
export const silentReporter: Reporter = {
  info() {},
  warn() {},
  progress: () => silentProgress,
}
