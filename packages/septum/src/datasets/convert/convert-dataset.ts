import { existsSync, readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type Reporter, SeptumError, silentReporter } from '@septum/core'
import { stringify } from 'yaml'
import { writeWhole } from '../../formats/index.js'
import { readCaseMasks } from '../case-masks.js'
import { type FolderDataset, openFolderDataset, type SegmentationCase } from '../dataset.js'
import { IGNORE_LABEL } from '../mask-coding.js'
import { selectCases, writeSplits } from '../splits.js'
import { type Ending, endingFor, fileNames, writeCaseImage, writeLabels } from './case-files.js'
import { nnunetJson } from './nnunet-json.js'

export interface ConvertRequest {
  readonly dir: string
  readonly to: 'nnunet' | 'folders'
  /** New or empty folder. */
  readonly out: string
  readonly layout?: string
  readonly description?: string
  /** The rater whose masks become the labels of nnU-Net, which keeps one mask a case. */
  readonly rater?: string
  readonly reporter?: Reporter
  readonly signal?: AbortSignal
}

export interface ConvertResult {
  readonly cases: number
  readonly files: number
  readonly ending: Ending
  readonly classes: readonly string[]
  /** Sentences about what the target cannot say. */
  readonly notes: readonly string[]
}

/**
 * Writes a data set in another layout. Samples and geometry stay as they are; mask values become labels 1, 2, … in
 * the order of the classes.
 * @throws SeptumError as `openFolderDataset`; `convert-exists`, `convert-raters`.
 */
export async function convertDataset(request: ConvertRequest): Promise<ConvertResult> {
  const { dir, to, out, reporter = silentReporter, signal } = request
  if (existsSync(out) && readdirSync(out).length > 0) {
    throw new SeptumError(
      'convert-exists',
      'The folder to write into is not empty',
      'Give another --out, or empty the folder.',
      { file: out },
    )
  }
  const dataset = await openFolderDataset(dir, request)
  const rater = to === 'nnunet' ? chosenRater(dataset, request.rater) : 0
  const ending = endingFor(dataset)
  const names = fileNames(dataset.cases)
  const notes: string[] = []
  const renamed = dataset.cases.filter((entry) => names.get(entry) !== entry.name).length
  if (renamed > 0)
    notes.push(`${renamed} cases were renamed: their names held characters that file names should not have.`)
  if (to === 'nnunet' && dataset.raters.length > 1) {
    notes.push(`nnU-Net keeps one mask a case: those of rater ${dataset.raters[rater]} were taken.`)
  }
  if (ending === '.nii.gz' && dataset.cases.some(({ geometry }) => !geometry)) {
    notes.push('Some images have no spacing: 1 mm was written, which nobody measured.')
  }
  const progress = reporter.progress('Converting', dataset.cases.length, 'cases')
  let files = 0
  const tests = new Set(dataset.splits ? selectCases(dataset.cases, dataset.splits).test : [])
  try {
    for (const [index, entry] of dataset.cases.entries()) {
      signal?.throwIfAborted()
      const place = { dataset, entry, name: names.get(entry)!, out, ending }
      files +=
        to === 'nnunet' ? await writeNnunetCase(place, rater, tests.has(entry)) : await writeFolderCase(place)
      progress.update(index + 1)
    }
  } finally {
    progress.finish()
  }
  files +=
    to === 'nnunet'
      ? await describeNnunet(dataset, names, out, ending)
      : await describeFolders(dataset, names, out)
  return { cases: dataset.cases.length, files, ending, classes: dataset.classes, notes }
}

function chosenRater({ raters, dir }: FolderDataset, wanted: string | undefined): number {
  if (wanted === undefined && raters.length === 1) return 0
  const index = wanted === undefined ? -1 : raters.indexOf(wanted)
  if (index >= 0) return index
  throw new SeptumError(
    'convert-raters',
    wanted === undefined
      ? `nnU-Net keeps one mask a case, and there are ${raters.length} raters`
      : `There is no rater "${wanted}"`,
    `Add --rater with one of ${raters.join(', ')}, or convert to folders.`,
    { file: dir },
  )
}

interface Place {
  readonly dataset: FolderDataset
  readonly entry: SegmentationCase
  readonly name: string
  readonly out: string
  readonly ending: Ending
}

async function writeNnunetCase(
  { dataset, entry, name, out, ending }: Place,
  rater: number,
  test: boolean,
): Promise<number> {
  // Unlabelled cases cannot train nnU-Net: they go where images without labels belong.
  const part = test || entry.masks.length === 0 ? 'Ts' : 'Tr'
  await mkdir(join(out, `images${part}`), { recursive: true })
  const images = await writeCaseImage(entry, join(out, `images${part}`, name), ending, true)
  if (entry.masks.length === 0) return images.length
  await mkdir(join(out, `labels${part}`), { recursive: true })
  const labels = await readCaseMasks(dataset, entry)
  const samples = labels.length / dataset.raters.length
  const own = labels.slice(rater * samples, (rater + 1) * samples)
  // nnU-Net wants the ignore label to be the highest of consecutive ones.
  const ignore = labelCount(dataset) + 1
  for (let i = 0; i < own.length; i++) if (own[i] === IGNORE_LABEL) own[i] = ignore
  await writeLabels(join(out, `labels${part}`, `${name}${ending}`), own, entry)
  return images.length + 1
}

const labelCount = ({ classes, regions }: FolderDataset) =>
  regions ? Math.max(...regions.flat()) : classes.length

async function writeFolderCase({ dataset, entry, name, out, ending }: Place): Promise<number> {
  await mkdir(join(out, 'images'), { recursive: true })
  const images = await writeCaseImage(entry, join(out, 'images', name), ending, false)
  if (entry.masks.length === 0) return images.length
  const several = dataset.raters.length > 1
  const folder = several ? join(out, 'masks', name) : join(out, 'masks')
  await mkdir(folder, { recursive: true })
  const labels = await readCaseMasks(dataset, entry)
  const samples = labels.length / dataset.raters.length
  for (const [index, rater] of dataset.raters.entries()) {
    const file = join(folder, `${several ? rater : name}${ending}`)
    await writeLabels(file, labels.slice(index * samples, (index + 1) * samples), entry)
  }
  return images.length + dataset.raters.length
}

async function describeNnunet(
  dataset: FolderDataset,
  names: ReadonlyMap<SegmentationCase, string>,
  out: string,
  ending: Ending,
): Promise<number> {
  const training = dataset.splits ? selectCases(dataset.cases, dataset.splits) : undefined
  const trained = dataset.cases.filter((entry) => entry.masks.length > 0 && !training?.test.includes(entry))
  const content = nnunetJson(dataset, trained.length, ending, labelCount(dataset))
  await writeWhole(join(out, 'dataset.json'), `${JSON.stringify(content, null, 2)}\n`)
  if (!training || training.val.length === 0) return 1
  const list = (part: readonly SegmentationCase[]) =>
    part.filter(({ masks }) => masks.length > 0).map((entry) => names.get(entry)!)
  const folds = [{ train: list(training.train), val: list(training.val) }]
  await writeWhole(join(out, 'splits_final.json'), `${JSON.stringify(folds, null, 2)}\n`)
  return 2
}

async function describeFolders(
  dataset: FolderDataset,
  names: ReadonlyMap<SegmentationCase, string>,
  out: string,
): Promise<number> {
  const { cases, classes, regions, description, splits, raters } = dataset
  const { licence, source, citation, maxValue } = description
  const grouped = cases.some((entry) => entry.patient !== names.get(entry))
  const entries = regions
    ? classes.map((name, index) => ({ name, region: [...regions[index]!] }))
    : classes.map((name, index) => ({ name, value: index + 1 }))
  const content = {
    name: dataset.name,
    classes: entries,
    ...(dataset.ignoreLabel === undefined ? {} : { ignore: IGNORE_LABEL }),
    ...(dataset.channelNames ? { channels: [...dataset.channelNames] } : {}),
    ...(raters.length > 1 ? { raters: { encoding: 'files' } } : {}),
    ...(cases.some(({ masks }) => masks.length === 0) ? { unlabelled: true } : {}),
    ...(grouped ? { patient: { csv: 'patients.csv', case: 'case', patient: 'patient' } } : {}),
    ...(maxValue === undefined ? {} : { maxValue }),
    ...(licence ? { licence } : {}),
    ...(source ? { source } : {}),
    ...(citation ? { citation } : {}),
  }
  await writeWhole(join(out, 'dataset.yaml'), stringify(content))
  if (grouped) {
    const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
    const rows = cases.map((entry) => `${quoted(names.get(entry)!)},${quoted(entry.patient)}`)
    await writeWhole(join(out, 'patients.csv'), `case,patient\n${rows.join('\n')}\n`)
  }
  if (splits) await writeSplits(join(out, 'splits.json'), splits)
  return 1 + Number(grouped) + Number(splits !== undefined)
}
