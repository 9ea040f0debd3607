import { basename, dirname, resolve } from 'node:path'
import { type Reporter, silentReporter } from '@septum/core'
import { decodePicture, type PictureHeader, type PictureLimits, readPictureHeader } from '../formats/index.js'
import { mapBounded } from './bounded.js'
import { findSplits } from './dataset-splits.js'
import { type Description, descriptionSchema, findDescription, readDescription } from './description.js'
import { findLayout, type Layout, ratersIn } from './layout.js'
import type { MaskCoding } from './mask-coding.js'
import { contentOf, type MaskContent } from './mask-content.js'
import { decideMeaning, type MaskMeaning } from './mask-meaning.js'
import { assignPatients } from './patients.js'
import { Problems } from './problems.js'
import type { SplitName, Splits } from './splits.js'

/** A picture on disk whose header has been read. */
export interface PictureFile {
  readonly file: string
  readonly header: PictureHeader
}

/** One image with the masks that its raters drew. */
export interface SegmentationCase {
  readonly name: string
  readonly patient: string
  /** The part that the folders put it in, where they do. */
  readonly split?: SplitName
  readonly image: PictureFile
  /** One file a rater in the order of `FolderDataset.raters`, or the single bit field; empty if unlabelled. */
  readonly masks: readonly (PictureFile | undefined)[]
}

/** A folder of images and masks, checked. */
export interface FolderDataset {
  readonly dir: string
  readonly name: string
  /** Foreground classes; label i + 1 is `classes[i]`. */
  readonly classes: readonly string[]
  /** Names of the raters; one empty name where cases have a single mask. */
  readonly raters: readonly string[]
  /** 3 when any image is RGB, else 1. */
  readonly imageChannels: 1 | 3
  /** [H, W] when all images agree. */
  readonly commonSize: readonly [number, number] | undefined
  readonly coding: MaskCoding
  readonly cases: readonly SegmentationCase[]
  readonly splits: Splits | undefined
  readonly description: Description
}

export interface OpenOptions {
  readonly reporter?: Reporter
  /** Description file to use instead of the one in the folder, for folders that may not be written. */
  readonly description?: string
  /** `quick` decodes 64 masks instead of all to learn what their values mean. */
  readonly check?: 'full' | 'quick'
  readonly limits?: PictureLimits
}

/** Decodes and header reads under way at once. */
const AT_ONCE = 8
const QUICK_MASKS = 64

/**
 * Opens a folder data set: finds the pairs, reads all headers, decodes the masks to learn what their values
 * mean, and says in a line each what was found.
 * @throws SeptumError naming file, case and remedy; with several problems the first ten are shown together.
 */
export async function openFolderDataset(dir: string, options: OpenOptions = {}): Promise<FolderDataset> {
  const { reporter = silentReporter } = options
  const problems = new Problems()
  const descriptionFile = options.description ?? findDescription(dir)
  const description = descriptionFile ? await readDescription(descriptionFile) : descriptionSchema.parse({})
  // Files that the description names lie beside it.
  const base = descriptionFile ? dirname(descriptionFile) : dir
  const layout = await findLayout(dir, problems)
  const bits = description.raters?.encoding === 'bits'
  const files = bits ? [''] : ratersIn(layout)
  checkMasks(layout, files, description, problems)

  const cases = await readHeaders(layout, files, options.limits, problems)
  const patients = await assignPatients(layout.cases, base, description, problems)
  const named = cases.map(
    (entry): SegmentationCase => ({ ...entry, patient: patients.get(entry.name) ?? entry.name }),
  )
  const meaning = await readMeaning(named, description, options.check ?? 'full', reporter, problems)
  problems.throwIfAny(dir)

  const splits = await findSplits(named, { dir, base }, description, reporter, problems)
  problems.throwIfAny(dir)
  const raters = bits
    ? Array.from({ length: (meaning.coding as { count: number }).count }, (_, k) => `${k}`)
    : files
  const dataset: FolderDataset = {
    dir,
    name: description.name ?? basename(resolve(dir)),
    classes: meaning.classes,
    raters: raters.length > 0 ? raters : [''],
    imageChannels: named.some(({ image }) => image.header.channels === 3) ? 3 : 1,
    commonSize: commonSize(named),
    coding: meaning.coding,
    cases: named,
    splits,
    description,
  }
  report(dataset, layout, meaning, reporter)
  return dataset
}

/** Every case needs a mask of every rater, unless the description says otherwise. */
function checkMasks(
  layout: Layout,
  raters: readonly string[],
  description: Description,
  problems: Problems,
): void {
  const { raters: declared, unlabelled } = description
  const mayLack = declared?.encoding === 'files' && declared.missing === 'empty'
  if (raters.length === 0 && !unlabelled) raters = ['']
  const [orphan] = layout.orphans
  const hint = orphan === undefined ? '' : ` (${orphan} belongs to no image)`
  for (const { name, image, masks } of layout.cases) {
    if (unlabelled && masks.size === 0) continue
    if (mayLack && masks.size > 0) continue
    const missing = raters.filter((rater) => !masks.has(rater))
    if (missing.length === 0) continue
    const whose = masks.size > 0 ? ` of rater ${missing.join(', ')}` : ''
    problems.add(
      'mask-missing',
      `The image has no mask${whose}`,
      masks.size > 0
        ? 'Add it, or say raters: {encoding: files, missing: empty} in dataset.yaml.'
        : `Add a mask of the same name${hint}, remove the image, or say unlabelled: true in dataset.yaml.`,
      { case: name, file: image },
    )
  }
}

async function readHeaders(
  layout: Layout,
  raters: readonly string[],
  limits: PictureLimits | undefined,
  problems: Problems,
): Promise<Omit<SegmentationCase, 'patient'>[]> {
  const read = async (file: string | undefined, name: string): Promise<PictureFile | undefined> => {
    if (file === undefined) return undefined
    try {
      return { file, header: await readPictureHeader(file, limits) }
    } catch (error) {
      problems.keep(error, name)
      return undefined
    }
  }
  const cases = await mapBounded(layout.cases, AT_ONCE, async ({ name, image, masks, split }) => {
    const picture = await read(image, name)
    const drawn =
      masks.size === 0 ? [] : await Promise.all(raters.map((rater) => read(masks.get(rater), name)))
    for (const mask of drawn) {
      if (!picture || !mask) continue
      const [a, b] = [picture.header, mask.header]
      if (a.width === b.width && a.height === b.height) continue
      problems.add(
        'mask-size',
        `The mask has ${b.width} x ${b.height} pixels, its image ${a.width} x ${a.height}`,
        'Export both at the same size.',
        { case: name, file: mask.file },
      )
    }
    return picture && { name, image: picture, masks: drawn, ...(split ? { split } : {}) }
  })
  return cases.filter((entry) => entry !== undefined)
}

async function readMeaning(
  cases: readonly SegmentationCase[],
  description: Description,
  check: 'full' | 'quick',
  reporter: Reporter,
  problems: Problems,
): Promise<MaskMeaning> {
  const all = cases.flatMap(({ name, masks }) => masks.flatMap((mask) => (mask ? [{ name, mask }] : [])))
  const stride = check === 'quick' ? Math.max(1, Math.floor(all.length / QUICK_MASKS)) : 1
  const chosen = all.filter((_, index) => index % stride === 0)
  const progress = reporter.progress('Checking masks', chosen.length, 'masks')
  let done = 0
  const contents = await mapBounded(
    chosen,
    AT_ONCE,
    async ({ name, mask }): Promise<MaskContent | undefined> => {
      try {
        const picture = await decodePicture(mask.file, mask.header)
        return contentOf(mask.file, picture, mask.header.format === 'jpeg')
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

function commonSize(cases: readonly SegmentationCase[]): readonly [number, number] | undefined {
  const sizes = new Set(cases.map(({ image }) => `${image.header.height} ${image.header.width}`))
  if (sizes.size !== 1) return undefined
  const { height, width } = cases[0]!.image.header
  return [height, width]
}

function report(dataset: FolderDataset, layout: Layout, meaning: MaskMeaning, reporter: Reporter): void {
  const { cases, commonSize: size, raters } = dataset
  const grey = cases.filter(({ image }) => image.header.channels === 1).length
  const colours = grey === cases.length ? 'grey' : grey === 0 ? 'RGB' : `RGB (${grey} grey ones repeated)`
  const deep = cases.filter(({ image }) => image.header.bitDepth === 16).length
  const patients = new Set(cases.map(({ patient }) => patient)).size
  reporter.info(
    `Images: ${cases.length} of ${patients} patients, ${colours}, ${size ? `${size[0]} x ${size[1]}` : 'mixed sizes'}` +
      `${deep > 0 ? `, ${deep} of 16 bits` : ''}; ${layout.kind}, ${raters.length} ${raters.length === 1 ? 'rater' : 'raters'}`,
  )
  reporter.info(meaning.line)
  const turned = cases.filter(({ image }) => image.header.orientation !== 1)
  if (turned.length > 0) {
    reporter.warn(
      `${turned.length} images ask viewers to turn them (EXIF orientation); they are used as stored, ` +
        `e.g. ${turned[0]!.image.file}: check that their masks are drawn on the stored pixels`,
    )
  }
  if (layout.orphans.length > 0) {
    reporter.warn(`${layout.orphans.length} mask files belong to no image, e.g. ${layout.orphans[0]}`)
  }
}
