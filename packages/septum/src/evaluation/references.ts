import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type LabelMap, SeptumError } from '@septum/core'
import { readCaseMasks } from '../datasets/case-masks.js'
import { type FolderDataset, openFolderDataset, type SegmentationCase } from '../datasets/dataset.js'
import { selectCases } from '../datasets/splits.js'
import { classesOfValues, knownLabels } from './classes.js'
import { checkLabels, decodeFile, labelsOf, valuesOf } from './decode.js'
import { flatGrid, sameGrid } from './grid.js'
import { findImages } from './images.js'
import { readLabelNames } from './label-names.js'
import type { ReferenceCase } from './prepare.js'
import { listStems, type Stems, stemsIn } from './stems.js'
import type { ClassSpec, EvaluateFoldersRequest, Evaluation } from './types.js'

/** How reference masks are read. Plain data: it is sent to each worker once. */
export type ReferenceReader =
  | { readonly kind: 'dataset'; readonly dataset: FolderDataset }
  | { readonly kind: 'files'; readonly known: readonly number[] | null }

/** One case of the references. Plain data. */
export interface ReferenceEntry {
  readonly name: string
  readonly patient: string
  /** Mask files, one a rater; empty where `source` tells. */
  readonly files: readonly string[]
  readonly source?: SegmentationCase
  /** The image, for pictures of the report. */
  readonly image?: string
}

export interface References {
  readonly dataset: Evaluation['dataset']
  readonly classes: readonly ClassSpec[]
  readonly reader: ReferenceReader
  readonly entries: readonly ReferenceEntry[]
}

/** Masks that are looked at to learn the classes of a folder that names none. */
const LOOKED_AT = 64

type Request = Pick<
  EvaluateFoldersRequest,
  'references' | 'description' | 'classes' | 'images' | 'split' | 'cases' | 'kind' | 'reporter'
>

/**
 * Opens what predictions are compared with: a data set, or a bare folder of `<case>.*`, `<case>/<rater>.*`
 * or `<rater>/<case>.*`.
 * @param predicted names found in the first folder of predictions: they tell cases from raters.
 * @throws SeptumError as `openFolderDataset`; `references-empty`, `references-values`, `usage-split`.
 */
export async function openReferences(request: Request, predicted: ReadonlySet<string>): Promise<References> {
  const { references: folder } = request
  const isDataset = ['images', 'imagesTr', 'train/images', 'val/images', 'test/images'].some((name) =>
    existsSync(join(folder, name)),
  )
  if (isDataset || request.description || request.cases) return openDataset(request)
  if (request.split) {
    throw new SeptumError(
      'usage-split',
      'A bare folder of masks has no splits',
      'Give the folder of the data set, or leave --split out.',
      { file: folder, option: '--split' },
    )
  }
  return openFolder(request, predicted)
}

async function openDataset(request: Request): Promise<References> {
  const { references, description, reporter, split } = request
  const dataset = await openFolderDataset(references, { reporter, description, check: 'quick' })
  const own = dataset.classes.map((name, i): ClassSpec => {
    const values = dataset.regions?.[i] ?? [i + 1]
    return { name, values: dataset.classes.length === 1 && !dataset.regions ? null : values }
  })
  if (split && !dataset.splits) {
    throw new SeptumError(
      'usage-split',
      'The data set names no splits',
      'Add splits.json, or leave --split out.',
      { file: references, option: '--split' },
    )
  }
  const chosen = split ? selectCases(dataset.cases, dataset.splits!)[split] : dataset.cases
  const { licence, source, citation = [] } = dataset.description
  return {
    dataset: { name: dataset.name, licence, source, citation: [citation].flat() },
    classes: request.classes ?? own,
    // Cases come with the jobs, one by one.
    reader: { kind: 'dataset', dataset: { ...dataset, cases: [], splits: undefined } },
    entries: chosen
      .filter((entry) => entry.masks.length > 0)
      .map((entry) => ({
        name: entry.name,
        patient: entry.patient,
        files: [],
        source: entry,
        image: entry.images[0]?.file,
      })),
  }
}

async function openFolder(request: Request, predicted: ReadonlySet<string>): Promise<References> {
  const { references: folder } = request
  const stems = await listStems(folder)
  const cases = casesOf(stems, predicted)
  if (cases.size === 0) {
    throw new SeptumError(
      'references-empty',
      'There is no reference mask',
      'Give a data set folder (images/, masks/) or a folder of <case>.png or <case>.nii.gz masks.',
      { file: folder },
    )
  }
  const classes =
    request.classes ??
    (await readLabelNames(folder)) ??
    (request.kind === 'instances' ? [foreground] : await classesFound(folder, [...cases.values()]))
  const images = await findImages(request.images, folder, [...cases.keys()])
  return {
    dataset: { name: basename(resolve(folder)), citation: [] },
    classes,
    reader: { kind: 'files', known: request.kind === 'instances' ? [] : knownLabels(classes) },
    entries: [...cases].map(([name, files]) => ({ name, patient: name, files, image: images.get(name) })),
  }
}

const foreground: ClassSpec = { name: 'foreground', values: null }

/** Mask files of each case, by the three layouts that a folder of masks may have. */
function casesOf(stems: Stems, predicted: ReadonlySet<string>): Map<string, string[]> {
  const top = [...stems.files].filter(([stem]) => !stem.includes('/'))
  if (top.length > 0) return new Map(top.map(([stem, file]) => [stem, [file]]))
  const folders = [...new Set([...stems.files.keys()].map((stem) => stem.slice(0, stem.lastIndexOf('/'))))]
  const listed = folders.map((name) => [name, stemsIn(stems, name)] as const)
  const byCase = folders.filter((name) => predicted.has(name)).length
  const byRater = listed.filter(([, files]) => [...files.keys()].some((name) => predicted.has(name))).length
  if (byCase >= byRater) return new Map(listed.map(([name, files]) => [name, [...files.values()]]))
  const cases = new Map<string, string[]>()
  for (const [, files] of listed) {
    for (const [name, file] of files) cases.set(name, [...(cases.get(name) ?? []), file])
  }
  return cases
}

async function classesFound(folder: string, files: readonly (readonly string[])[]): Promise<ClassSpec[]> {
  const all = files.flat()
  const stride = Math.max(1, Math.floor(all.length / LOOKED_AT))
  const found = new Set<number>()
  for (const file of all.filter((_, i) => i % stride === 0)) {
    try {
      for (const value of valuesOf(labelsOf(await decodeFile(file), 'reference'), 300)) found.add(value)
    } catch (error) {
      // A bad mask becomes a problem of its case later on; the others tell the classes.
      if (!(error instanceof SeptumError)) throw error
    }
  }
  return mixedBinary(found) ? [foreground] : classesOfValues(found, folder)
}

/** Some tools write 0/1 and some 0/255: both in one folder are still one class. */
const mixedBinary = (found: ReadonlySet<number>) =>
  [...found].every((value) => value === 0 || value === 1 || value === 255)

/** Decodes the masks of a case. @throws SeptumError with the file. */
export async function readReference(reader: ReferenceReader, entry: ReferenceEntry): Promise<ReferenceCase> {
  if (reader.kind === 'dataset') {
    const { dataset } = reader
    const source = entry.source!
    const joined = await readCaseMasks(dataset, source)
    const grid = flatGrid({ size: source.shape.slice(1), geometry: source.geometry })
    const pixels = grid.size.reduce((product, size) => product * size, 1)
    return {
      ...grid,
      raters: Array.from({ length: joined.length / pixels }, (_, r) =>
        joined.subarray(r * pixels, (r + 1) * pixels),
      ),
      ignore: dataset.ignoreLabel,
    }
  }
  const raters: LabelMap[] = []
  let first: Awaited<ReturnType<typeof decodeFile>> | undefined
  for (const file of entry.files) {
    const decoded = await decodeFile(file)
    first ??= decoded
    const difference = sameGrid(decoded, first)
    if (difference) {
      throw new SeptumError(
        'references-grid',
        `Two raters marked different grids: ${difference}`,
        'Export the masks of all raters on the grid of the image.',
        { file },
      )
    }
    const labels = labelsOf(decoded, 'reference')
    if (!reader.known || reader.known.length > 0) checkLabels(labels, reader.known, 'reference', file)
    raters.push(labels)
  }
  return { size: first!.size, geometry: first!.geometry, raters }
}
