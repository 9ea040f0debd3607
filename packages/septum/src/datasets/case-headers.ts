import type { ImageGeometry } from '@septum/core'
import type { ImageHeader, ReadLimits } from '../formats/index.js'
import { mapBounded } from './bounded.js'
import type { SegmentationCase } from './dataset.js'
import type { Description } from './description.js'
import { geometryDifference } from './geometry-difference.js'
import type { CaseFiles, Layout } from './layout.js'
import type { Problems } from './problems.js'
import { type ImageFile, type ImageSource, readSourceHeader } from './sources.js'

/** Header reads under way at once. */
const AT_ONCE = 8

/** Every case needs a mask of every rater, unless the layout or the description says otherwise. */
export function checkMasks(
  layout: Layout,
  raters: readonly string[],
  { raters: declared, unlabelled }: Pick<Description, 'raters' | 'unlabelled'>,
  problems: Problems,
): void {
  const mayLack = declared?.encoding === 'files' && declared.missing === 'empty'
  const wanted = raters.length === 0 && !unlabelled ? [''] : raters
  const [orphan] = layout.orphans
  const hint = orphan === undefined ? '' : ` (${orphan} belongs to no image)`
  for (const entry of layout.cases) {
    const { name, images, masks } = entry
    if ((unlabelled || entry.unlabelled) && masks.size === 0) continue
    if (mayLack && masks.size > 0) continue
    const missing = wanted.filter((rater) => !masks.has(rater))
    if (missing.length === 0) continue
    const whose = masks.size > 0 ? ` of rater ${missing.join(', ')}` : ''
    problems.add(
      'mask-missing',
      `The image has no mask${whose}`,
      masks.size > 0
        ? 'Add it, or say raters: {encoding: files, missing: empty} in dataset.yaml.'
        : `Add a mask of the same name${hint}, remove the image, or say unlabelled: true in dataset.yaml.`,
      { case: name, file: images[0]!.file },
    )
  }
}

/**
 * Reads the headers of all images and masks, and compares sizes and geometry of each case. A case whose image
 * cannot be read is left out; a mask that cannot be read is left out of its case.
 */
export async function readHeaders(
  layout: Layout,
  raters: readonly string[],
  description: Pick<Description, 'geometry'>,
  limits: Partial<ReadLimits>,
  problems: Problems,
): Promise<Omit<SegmentationCase, 'patient'>[]> {
  const cases = await mapBounded(layout.cases, AT_ONCE, async (entry) => {
    const { name } = entry
    const read = (source: ImageSource | undefined) => readFile(source, name, limits, problems)
    const images = await Promise.all(entry.images.map(read))
    const drawn =
      entry.masks.size === 0 ? [] : await Promise.all(raters.map((rater) => read(entry.masks.get(rater))))
    const field = await read(entry.field)
    if (!images.every((image) => image !== undefined)) return undefined
    return caseOf(entry, images, drawn, field, description, problems)
  })
  return cases.filter((entry) => entry !== undefined)
}

async function readFile(
  source: ImageSource | undefined,
  name: string,
  limits: Partial<ReadLimits>,
  problems: Problems,
): Promise<ImageFile | undefined> {
  if (!source) return undefined
  try {
    return { ...source, header: await readSourceHeader(source, limits) }
  } catch (error) {
    problems.keep(error, name)
    return undefined
  }
}

function caseOf(
  { name, split, stratum }: CaseFiles,
  images: readonly ImageFile[],
  masks: readonly (ImageFile | undefined)[],
  field: ImageFile | undefined,
  { geometry: strictness }: Pick<Description, 'geometry'>,
  problems: Problems,
): Omit<SegmentationCase, 'patient'> {
  const [first] = images as readonly [ImageFile]
  const size = sizeOf(first.header)
  for (const other of images.slice(1)) {
    if (sizeOf(other.header).join() === size.join()) continue
    problems.add(
      'channel-size',
      `A channel has ${sizeText(sizeOf(other.header))}, the first one ${sizeText(size)}`,
      'Resample the channels of a case onto one grid.',
      { case: name, file: other.file },
    )
  }
  const fits = (mask: ImageFile | undefined): mask is ImageFile => {
    if (!mask) return false
    const own = sizeOf(mask.header)
    if (own.join() !== size.join()) {
      problems.add(
        'mask-size',
        `The mask has ${sizeText(own)}, its image ${size.length === 2 ? sizeText(size).replace(' pixels', '') : sizeText(size)}`,
        'Export both at the same size.',
        { case: name, file: mask.file },
      )
      return false
    }
    if (strictness === 'strict') compareGeometry(name, mask, first.header.geometry, problems)
    return true
  }
  const kept = masks.map((mask) => (fits(mask) ? mask : undefined))
  const channels = images.reduce((sum, { header }) => sum + header.shape[0]!, 0)
  const { geometry } = first.header
  const flat = geometry && geometry.spacingMm.length > size.length
  return {
    name,
    images,
    shape: [channels, ...size],
    masks: kept.every((mask) => mask === undefined) ? [] : kept,
    ...(fits(field) ? { field } : {}),
    ...(geometry ? { geometry: flat ? planeOf(geometry) : geometry } : {}),
    ...(split ? { split } : {}),
    ...(stratum ? { stratum } : {}),
  }
}

function compareGeometry(
  name: string,
  { file, header }: ImageFile,
  geometry: ImageGeometry | undefined,
  problems: Problems,
): void {
  if (!geometry || !header.geometry) return
  const difference = geometryDifference(geometry, header.geometry)
  if (difference === undefined) return
  problems.add(
    'mask-geometry',
    `The mask lies elsewhere than its image: ${difference}`,
    'Export it on the grid of the image; if only its header is wrong, say geometry: image in dataset.yaml.',
    { case: name, file },
  )
}

/** [H, W] or [D, H, W]; a volume of one slice is a plane. */
function sizeOf({ shape }: ImageHeader): readonly number[] {
  return shape.length === 4 && shape[1] === 1 ? shape.slice(2) : shape.slice(1)
}

/** Width first, as people say it. */
const sizeText = (size: readonly number[]) =>
  `${[...size].reverse().join(' x ')} ${size.length === 2 ? 'pixels' : 'voxels'}`

const planeOf = ({ spacingMm, originMm, directions }: ImageGeometry): ImageGeometry => ({
  spacingMm: spacingMm.slice(1),
  originMm,
  directions: directions.slice(1),
})
