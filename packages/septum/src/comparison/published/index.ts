import { lungTable } from './lung.js'
import { polypTables } from './polyp.js'
import type { PublishedTable } from './types.js'
import { ultrasoundTable } from './ultrasound.js'

export * from './costs.js'
export type * from './types.js'

/** Every table that is kept. */
export const publishedTables: readonly PublishedTable[] = [...polypTables, lungTable, ultrasoundTable]

/** The table about a data set of this name; undefined where none is kept. */
export const publishedFor = (dataset: string): PublishedTable | undefined =>
  publishedTables.find(({ datasets }) => datasets.test(dataset))
