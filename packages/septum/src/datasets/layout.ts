import { existsSync, statSync } from 'node:fs'
import { SeptumError } from '@septum/core'
import { detectAdapter, findAdapter } from './adapters/index.js'
import { type DescriptionInput, foreignDescription } from './description.js'
import { folderPair, hasFolderPair } from './layouts/folder-pair.js'
import { findManifest, readManifest } from './layouts/manifest.js'
import { readMsd } from './layouts/msd.js'
import { readNnunet } from './layouts/nnunet.js'
import { hasPatientTree, patientTree } from './layouts/patient-tree.js'
import type { Problems } from './problems.js'
import type { ImageSource } from './sources.js'
import { alphabetical, type SplitName, type Splits } from './splits.js'

/** Files of one case, found by name alone. */
export interface CaseFiles {
  readonly name: string
  /** Files whose channels are joined in this order. */
  readonly images: readonly ImageSource[]
  /** Masks by rater; the rater is `''` where a case has a single mask. */
  readonly masks: ReadonlyMap<string, ImageSource>
  /** What was in view: where it is 0, no loss and no score counts a sample. */
  readonly field?: ImageSource
  /** Known where the files say so. */
  readonly patient?: string
  /** A group that every part of a split should have its share of, e.g. a diagnosis. */
  readonly stratum?: string
  readonly split?: SplitName
  /** Meant to have no mask. */
  readonly unlabelled?: boolean
}

export interface Layout {
  /** How the files lie, in words, for the report. */
  readonly kind: string
  readonly cases: readonly CaseFiles[]
  /** Mask files that belong to no image. */
  readonly orphans: readonly string[]
  /** What the layout knows of the data set; `dataset.yaml` takes precedence. */
  readonly known?: DescriptionInput
  /** A published division. */
  readonly splits?: Splits
}

/** Layouts that may be named; adapters add to these. */
export const layoutNames = ['folders', 'patients', 'nnunet', 'msd', 'manifest'] as const

/**
 * Finds images and masks. What is told by the files themselves, in this order: a manifest (the path of a table,
 * or `manifest.csv`/`manifest.jsonl` in the folder), nnU-Net's and the Decathlon's `dataset.json`, the folders
 * `images/` and `masks/`, `train|val|test/images/<patient>/`, and the public form of a data set that has an
 * adapter.
 * @param wanted a layout or adapter by name, with a variant after a colon where the adapter has some.
 * @throws SeptumError `dataset-missing`, `dataset-layout`, `dataset-empty`, `layout-unknown`.
 */
export async function findLayout(dir: string, problems: Problems, wanted?: string): Promise<Layout> {
  if (!existsSync(dir)) {
    throw new SeptumError('dataset-missing', 'The data set does not exist', 'Check the path.', { file: dir })
  }
  const layout = wanted === undefined ? await detect(dir, problems) : await readNamed(dir, wanted, problems)
  if (!layout) {
    throw new SeptumError(
      'dataset-layout',
      'The folder has no layout that is known',
      'Put images into images/ and their masks under the same names into masks/, write a manifest.csv, or name the layout: layout: in dataset.yaml, or --layout of septum data (septum data layouts lists them).',
      { file: dir },
    )
  }
  if (layout.cases.length === 0 && problems.count === 0) {
    throw new SeptumError(
      'dataset-empty',
      'The data set holds no image',
      'Put images into images/ and their masks under the same names into masks/.',
      { file: dir },
    )
  }
  return layout
}

async function detect(dir: string, problems: Problems): Promise<Layout | undefined> {
  if (!statSync(dir).isDirectory() || findManifest(dir)) return readManifest(dir, problems)
  const foreign = foreignDescription(dir)
  if (foreign === 'nnunet') return readNnunet(dir, problems)
  if (foreign === 'msd') return readMsd(dir, problems)
  const adapter = await detectAdapter(dir)
  if (adapter) return adapter.read(dir, undefined, problems)
  if (hasFolderPair(dir)) return folderPair(dir, problems)
  if (hasPatientTree(dir)) return patientTree(dir, problems)
  return undefined
}

async function readNamed(dir: string, wanted: string, problems: Problems): Promise<Layout> {
  const [name = '', variant] = wanted.split(/:(.*)/s)
  switch (name) {
    case 'folders':
      return folderPair(dir, problems)
    case 'patients':
      return patientTree(dir, problems)
    case 'nnunet':
      return readNnunet(dir, problems)
    case 'msd':
      return readMsd(dir, problems)
    case 'manifest':
      return readManifest(dir, problems)
    default:
      return findAdapter(name).read(dir, variant || undefined, problems)
  }
}

/** All raters of a layout, in alphabetical order. */
export function ratersIn(layout: Layout): string[] {
  return [...new Set(layout.cases.flatMap(({ masks }) => [...masks.keys()]))].sort(alphabetical)
}
