import { lidcTable } from './hypotheses.js'
import { infnetTable, lungTable } from './lung.js'
import { polypTables } from './polyp.js'
import type { PublishedTable } from './types.js'
import { ultrasoundTable } from './ultrasound.js'
import { videoTables } from './video.js'

export * from './costs.js'
export type * from './types.js'

/** Every table that is kept. The first whose data set fits is taken: parts of a set stand before the whole. */
export const publishedTables: readonly PublishedTable[] = [
  ...videoTables,
  ...polypTables,
  infnetTable,
  lungTable,
  ultrasoundTable,
  lidcTable,
]

/** The table about a data set of this name; undefined where none is kept. */
export const publishedFor = (dataset: string): PublishedTable | undefined =>
  publishedTables.find(({ datasets }) => datasets.test(dataset))
