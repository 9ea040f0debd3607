import { SeptumError } from '@septum/core'
import type { FolderDataset } from '../../datasets/index.js'
import { IGNORED } from '../labels.js'

/** How classes of several data sets become those of one network. */
export type ClassRule = 'auto' | 'one' | 'named'

export type ClassedDataset = Pick<FolderDataset, 'name' | 'classes' | 'regions'>

/** Classes of a network, and what the labels of each data set are among them. */
export interface JointClasses {
  readonly rule: 'one' | 'named'
  readonly classes: readonly string[]
  readonly parts: readonly {
    /** Joint label of each label of the data set, 256 entries. */
    readonly labels: Uint8Array
    /** Joint classes, from 0, that the masks of the data set tell of. */
    readonly annotated: readonly number[]
  }[]
}

/** Name of the only class where data sets with unlike ones are made one. */
const TARGET = 'target'

/**
 * One class: whatever is marked, in any data set (the unified networks of M2SNet's table 8). Named: classes of equal
 * names are the same, others stand beside each other, and a data set tells of its own alone. `auto` takes the first where
 * no data set has more than one class.
 * @throws SeptumError `joint-classes` for regions under `named`, which may share labels, and for too many classes
 */
export function joinClasses(datasets: readonly ClassedDataset[], rule: ClassRule): JointClasses {
  const single = datasets.every(({ classes }) => classes.length === 1)
  return rule === 'one' || (rule === 'auto' && single) ? asOne(datasets) : byName(datasets)
}

const table = (of: (label: number) => number): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, label) => (label === IGNORED ? IGNORED : of(label)))

function asOne(datasets: readonly ClassedDataset[]): JointClasses {
  const names = new Set(datasets.flatMap(({ classes }) => classes))
  return {
    rule: 'one',
    classes: [names.size === 1 ? [...names][0]! : TARGET],
    parts: datasets.map(({ regions }) => {
      // Labels that are in no region mark nothing.
      const marked = regions && new Set(regions.flat())
      const labels = table((label) => ((marked ? marked.has(label) : label > 0) ? 1 : 0))
      return { labels, annotated: [0] }
    }),
  }
}

function byName(datasets: readonly ClassedDataset[]): JointClasses {
  const regional = datasets.find(({ regions }) => regions)
  if (regional) {
    throw new SeptumError(
      'joint-classes',
      `The classes of ${regional.name} are regions, which may share labels`,
      'Train it alone, or everything marked as one class: --set data.classes=one.',
      { option: 'data.classes' },
    )
  }
  const classes = [...new Set(datasets.flatMap((one) => one.classes))]
  if (classes.length >= IGNORED) {
    throw new SeptumError(
      'joint-classes',
      `The data sets have ${classes.length} classes together, and masks hold 254`,
      'Train on fewer data sets at once.',
      { option: 'data.classes' },
    )
  }
  return {
    rule: 'named',
    classes,
    parts: datasets.map((one) => {
      const annotated = one.classes.map((name) => classes.indexOf(name))
      return { labels: table((label) => (label === 0 ? 0 : (annotated[label - 1] ?? -1) + 1)), annotated }
    }),
  }
}
