/** How far a printed number can be trusted to be what its paper says. */
export type Origin =
  /** Read in the table of the paper. */
  | 'paper'
  /** Read in other work that quotes the paper. */
  | 'quoted'
  /** Quoted by later work, from memory: not checked against the paper. */
  | 'recalled'

export interface PublishedRow {
  /** As the table prints it. */
  readonly label: string
  /** Name of our method, where there is one. */
  readonly method: string | null
  /** One for each metric of the table; null where nothing is printed. */
  readonly values: readonly (number | null)[]
  /** Standard deviations, where the table prints them. */
  readonly spread?: readonly (number | null)[]
  readonly origin: Origin
}

/** Numbers of a table, as fractions where the paper has per cent. */
export interface PublishedTable {
  readonly id: string
  readonly title: string
  /** Paper and number of the table. */
  readonly source: string
  /** What it was measured on, and how a comparison of ours differs from it. */
  readonly setting: string
  /** Names of data sets that it is about. */
  readonly datasets: RegExp
  /** Metric ids of ours in the order of the columns. */
  readonly metrics: readonly string[]
  readonly rows: readonly PublishedRow[]
}

/** Parameters, multiply-adds and speed as a table prints them. */
export interface PublishedCost {
  readonly label: string
  readonly method: string | null
  /** Multiply-adds; its unit and input size are not stated by the source. */
  readonly macs: number
  readonly parameters: number
  readonly framesPerSecond: number
}
