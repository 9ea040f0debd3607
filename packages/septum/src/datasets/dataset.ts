import { statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { type ImageGeometry, type Reporter, silentReporter } from '@septum/core'
import type { ReadLimits } from '../formats/index.js'
import { mapBounded } from './bounded.js'
import { checkMasks, readHeaders } from './case-headers.js'
import { reportDataset } from './dataset-report.js'
import { findSplits } from './dataset-splits.js'
import { type Description, descriptionSchema, findDescription, readDescription } from './description.js'
import { findLayout, type Layout, ratersIn } from './layout.js'
import { IGNORE_LABEL, type MaskCoding } from './mask-coding.js'
import { contentOf, type MaskContent } from './mask-content.js'
import { decideMeaning, type MaskMeaning } from './mask-meaning.js'
import { assignPatients } from './patients.js'
import { Problems } from './problems.js'
import { type ImageFile, readSource } from './sources.js'
import type { SplitName, Splits } from './splits.js'

/** One image, of one or several files, with the masks that its raters drew. */
export interface SegmentationCase {
  readonly name: string
  readonly patient: string
  /** A group that every part of a split should have its share of, where one is known. */
  readonly stratum?: string
  /** The part that the folders put it in, where they do. */
  readonly split?: SplitName
  /** Channels of all files joined in this order. */
  readonly images: readonly ImageFile[]
  /** Of the joined image: [C, H, W] or [C, D, H, W]. */
  readonly shape: readonly number[]
  /** Of the first file; its axes are those of `shape` without the channels. */
  readonly geometry?: ImageGeometry
  /** One a rater in the order of `FolderDataset.raters`, or the single bit field; empty if unlabelled. */
  readonly masks: readonly (ImageFile | undefined)[]
  /** What was in view; its masks hold `IGNORE_LABEL` elsewhere. */
  readonly field?: ImageFile
}

/** A data set on disk, checked. */
export interface FolderDataset {
  readonly dir: string
  readonly name: string
  /** Foreground classes; label i + 1 is `classes[i]`, unless they are regions. */
  readonly classes: readonly string[]
  /** Labels that together make class i, where classes are regions that may share labels (nnU-Net). */
  readonly regions?: readonly (readonly number[])[]
  /** Present when masks may hold `IGNORE_LABEL`: samples that no loss and no score may count. */
  readonly ignoreLabel?: typeof IGNORE_LABEL
  /** Names of the raters; one empty name where cases have a single mask. */
  readonly raters: readonly string[]
  /** Channels of the images; where some have more, those with one are repeated. */
  readonly imageChannels: number
  readonly channelNames?: readonly string[]
  /** 2 when any case is a picture; volumes beside pictures are stacks of slices for a 2-D network. */
  readonly dimensions: 2 | 3
  /** [H, W] or [D, H, W] when all images agree. */
  readonly commonSize: readonly number[] | undefined
  readonly coding: MaskCoding
  readonly cases: readonly SegmentationCase[]
  readonly splits: Splits | undefined
  readonly description: Description
}

export interface OpenOptions {
  readonly reporter?: Reporter
  /** Description file to use instead of the one in the folder, for folders that may not be written. */
  readonly description?: string
  /** Layout or adapter by name, e.g. `busi:fold2`; told by the files where it is left out. */
  readonly layout?: string
  /** `quick` decodes 64 masks instead of all to learn what their values mean. */
  readonly check?: 'full' | 'quick'
  readonly limits?: Partial<ReadLimits>
}

/** A data set as far as it can be used, and everything that is wrong with it. */
export interface Inspection {
  readonly dataset: FolderDataset
  readonly layout: Layout
  readonly meaning: MaskMeaning
  readonly problems: Problems
}

const AT_ONCE = 8
/** Samples of a mask from which on two are decoded at once. */
const LARGE = 2 ** 22
const QUICK_MASKS = 64

/**
 * Opens a data set: finds the pairs, reads all headers, decodes the masks to learn what their values mean, and
 * says in a line each what was found.
 * @throws SeptumError naming file, case and remedy; with several problems the first ten are shown together.
 */
export async function openFolderDataset(dir: string, options: OpenOptions = {}): Promise<FolderDataset> {
  const { dataset, layout, meaning, problems } = await inspectDataset(dir, options)
  problems.throwIfAny(dir)
  reportDataset(dataset, layout, meaning, options.reporter ?? silentReporter)
  return dataset
}

/**
 * As `openFolderDataset`, but collects what is wrong and goes on with the rest.
 * @throws SeptumError where nothing can be read at all: no folder, no known layout, a broken description.
 */
export async function inspectDataset(dir: string, options: OpenOptions = {}): Promise<Inspection> {
  const { reporter = silentReporter, limits = {} } = options
  const problems = new Problems()
  const root = statSync(dir, { throwIfNoEntry: false })?.isFile() ? dirname(dir) : dir
  const descriptionFile = options.description ?? findDescription(root)
  const own = descriptionFile ? await readDescription(descriptionFile) : undefined
  // Files that the description names lie beside it.
  const base = descriptionFile ? dirname(descriptionFile) : root
  const layout = await findLayout(dir, problems, options.layout ?? own?.layout)
  const description = descriptionFile
    ? await readDescription(descriptionFile, layout.known)
    : descriptionSchema.parse(layout.known ?? {})
  const bits = description.raters?.encoding === 'bits' ? description.raters.count : undefined
  const files = bits === undefined ? ratersIn(layout) : ['']
  checkMasks(layout, files, description, problems)

  const found = await readHeaders(layout, files, description, limits, problems)
  const patients = await assignPatients(layout.cases, base, description, problems)
  const cases = found.map(
    (entry): SegmentationCase => ({
      ...entry,
      patient: patients.get(entry.name) ?? entry.name,
    }),
  )
  const told = await readMeaning(cases, description, options, problems)
  const bounded = cases.some(({ field }) => field)
  const meaning = bounded ? { ...told, line: `${told.line}; ignored outside of the field of view` } : told
  const place = { dir: root, base, ...(layout.splits ? { published: layout.splits } : {}) }
  const splits = await findSplits(cases, place, description, reporter, problems).catch((error: unknown) => {
    problems.keep(error)
    return undefined
  })
  const raters = bits === undefined ? files : Array.from({ length: bits }, (_, k) => `${k}`)
  const imageChannels = cases.reduce((most, { shape }) => Math.max(most, shape[0]!), 1)
  checkChannels(cases, imageChannels, description, problems)
  const { regions } = meaning
  const dataset: FolderDataset = {
    dir,
    name: description.name ?? basename(resolve(dir)),
    classes: meaning.classes,
    ...(regions ? { regions } : {}),
    ...(description.ignore === undefined && cases.every(({ field }) => !field)
      ? {}
      : { ignoreLabel: IGNORE_LABEL }),
    raters: raters.length > 0 ? raters : [''],
    imageChannels,
    ...(description.channels ? { channelNames: description.channels } : {}),
    dimensions: cases.every(({ shape }) => shape.length === 4) && cases.length > 0 ? 3 : 2,
    commonSize: commonSize(cases),
    coding: meaning.coding,
    cases,
    splits,
    description,
  }
  return { dataset, layout, meaning, problems }
}

function checkChannels(
  cases: readonly SegmentationCase[],
  channels: number,
  { channels: names }: Pick<Description, 'channels'>,
  problems: Problems,
): void {
  for (const { name, shape, images } of cases) {
    if (shape[0] === channels || shape[0] === 1) continue
    problems.add(
      'channel-count',
      `The case has ${shape[0]} channels, others have ${channels}`,
      'Give every case the same channels.',
      { case: name, file: images[0]!.file },
    )
  }
  if (names && cases.length > 0 && names.length !== channels) {
    problems.add(
      'channel-count',
      `${names.length} channels are named (${names.join(', ')}) and the images have ${channels}`,
      'Correct the names of the channels.',
      { option: 'channels' },
    )
  }
}

async function readMeaning(
  cases: readonly SegmentationCase[],
  description: Description,
  { reporter = silentReporter, check = 'full', limits = {} }: OpenOptions,
  problems: Problems,
): Promise<MaskMeaning> {
  const all = cases.flatMap(({ name, masks }) => masks.flatMap((mask) => (mask ? [{ name, mask }] : [])))
  const stride = check === 'quick' ? Math.max(1, Math.floor(all.length / QUICK_MASKS)) : 1
  const chosen = all.filter((_, index) => index % stride === 0)
  const largest = chosen.reduce(
    (most, { mask }) =>
      Math.max(
        most,
        mask.header.shape.reduce((a, b) => a * b),
      ),
    0,
  )
  const progress = reporter.progress('Checking masks', chosen.length, 'masks')
  let done = 0
  const contents = await mapBounded(
    chosen,
    largest > LARGE ? 2 : AT_ONCE,
    async ({ name, mask }): Promise<MaskContent | undefined> => {
      try {
        return contentOf(mask.file, await readSource(mask, limits), mask.header.format === 'JPEG')
      } catch (error) {
        problems.keep(error, name)
        return undefined
      } finally {
        progress.update(++done)
      }
    },
  )
  progress.finish()
  return decideMeaning(
    contents.filter((content) => content !== undefined),
    description,
    problems,
  )
}

function commonSize(cases: readonly SegmentationCase[]): readonly number[] | undefined {
  const sizes = new Set(cases.map(({ shape }) => shape.slice(1).join()))
  return sizes.size === 1 ? cases[0]!.shape.slice(1) : undefined
}
