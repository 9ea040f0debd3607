import { cross, dot, type ImageGeometry, type MedicalImage, SeptumError, type Vector3 } from '@septum/core'
import { type ReadLimits, readLimits } from '../../format.js'
import type { Dataset } from '../dataset.js'
import { type DicomFile, openDicom } from '../file.js'
import { type FramePlace, framePlaces } from '../frame-place.js'
import { pixelLayout } from '../pixel-layout.js'
import { openFrames } from '../pixels/decode.js'
import { broken, fail } from '../problem.js'
import { fileSource } from '../source.js'
import type { Keyword } from '../tags.js'
import type { Code } from './codes.js'
import { fromDicomLab } from './colour.js'
import { SEGMENTATION_CLASS } from './dataset.js'
import { textOf } from './text.js'

/** A segment of a segmentation that was read. */
export interface ReadSegment {
  /** As in the file; masks are in the order of the segment sequence. */
  readonly number: number
  readonly label: string
  readonly category?: Code
  readonly type?: Code
  readonly algorithm: string
  /** sRGB, 0 to 255. */
  readonly colour?: readonly [number, number, number]
}

/** A DICOM Segmentation in memory. */
export interface DicomSeg {
  readonly form: 'binary' | 'fractional'
  readonly segments: readonly ReadSegment[]
  /**
   * [segments, D, H, W]: 0 and 1, or fractions from 0 to 1 (float32). Without `onto`, D runs from the first to the
   * last slice that has a frame.
   */
  readonly masks: MedicalImage & { readonly geometry: ImageGeometry }
}

/** Grid of the source images: shape [C, D, H, W] and geometry, as `readDicom` gives them. */
export type SegGrid = Pick<MedicalImage, 'shape' | 'geometry'>

interface SegFramePlace {
  readonly segment: number
  readonly position: Vector3
}

/** Whether a data set is a segmentation. */
export function isSegmentation({ dataset }: DicomFile): boolean {
  return dataset.text('SOPClassUID') === SEGMENTATION_CLASS
}

/**
 * Reads a DICOM Segmentation, binary or fractional.
 * @param onto grid to put the frames on, that of the source images; without it the frames' own.
 * @throws SeptumError `seg-format` when the file is another DICOM object, `seg-grid` when frames do not lie on the
 * grid, and as `readDicom`.
 */
export async function readDicomSeg(
  file: string,
  onto?: SegGrid,
  limits: Partial<ReadLimits> = {},
): Promise<DicomSeg> {
  const dicom = await openDicom(fileSource(file))
  const { dataset } = dicom
  if (!isSegmentation(dicom)) {
    fail('seg-format', 'The DICOM file is no segmentation', 'Give a DICOM SEG file.', file)
  }
  const layout = pixelLayout(dicom)
  const places = framePlaces(dataset, layout.frames)
  const segments = dataset.items('SegmentSequence').map((item) => segmentOf(item, file))
  const fractional = dataset.text('SegmentationType') === 'FRACTIONAL'
  const most = fractional ? (dataset.number('MaximumFractionalValue') ?? 0) : 1
  if (segments.length === 0 || most < 1 || layout.samples !== 1)
    broken(file, 'its segments are not described')
  const frames = places.map((place, frame) => frameOf(dataset, place, frame, file))
  const grid = onto
    ? givenGrid(onto, places[0]!, layout, file)
    : ownGrid(dataset, frames, places, layout, file)
  const { size, geometry } = grid
  const [slices, rows, columns] = size
  const volume = slices * rows * columns
  const bytes = segments.length * volume * (fractional ? 4 : 1)
  if (bytes > { ...readLimits, ...limits }.maxBytes) {
    fail('dicom-too-large', 'The segmentation is larger than the limit', 'Read fewer segments.', file)
  }
  const data = fractional
    ? new Float32Array(segments.length * volume)
    : new Uint8Array(segments.length * volume)
  const open = await openFrames(dicom, layout)
  for (const [frame, { segment, position }] of frames.entries()) {
    const number = segments.findIndex((one) => one.number === segment)
    const slice = sliceOf(position, grid, file)
    if (number < 0) broken(file, 'a frame belongs to no segment')
    const { samples } = await open(frame)
    const offset = number * volume + slice * rows * columns
    for (let i = 0; i < samples.length; i++) data[offset + i] = samples[i]! / most
  }
  const flat = onto !== undefined && onto.shape.length === 3
  const shape = flat ? [segments.length, rows, columns] : [segments.length, slices, rows, columns]
  const maxValue = 1
  return {
    form: fractional ? 'fractional' : 'binary',
    segments,
    masks: { data, shape, maxValue, geometry: flat ? onto.geometry! : geometry },
  }
}

/**
 * Joins the masks of a binary segmentation into one label map: 0 background, then the segments in order.
 * @throws SeptumError `seg-overlap` where two segments share a sample; `seg-format` for fractions.
 */
export function segLabels({ form, segments, masks }: DicomSeg): MedicalImage {
  if (form === 'fractional') {
    throw new SeptumError('seg-format', 'Fractions are no labels', 'Threshold or read the masks one by one.')
  }
  const size = masks.data.length / segments.length
  const data = segments.length > 255 ? new Uint16Array(size) : new Uint8Array(size)
  for (let segment = 0; segment < segments.length; segment++) {
    for (let i = 0; i < size; i++) {
      if (masks.data[segment * size + i] === 0) continue
      if (data[i] !== 0) {
        throw new SeptumError(
          'seg-overlap',
          `Segments ${data[i]} and ${segment + 1} overlap, so that no label map holds both`,
          'Read the masks one by one.',
        )
      }
      data[i] = segment + 1
    }
  }
  return {
    data,
    shape: [1, ...masks.shape.slice(1)],
    geometry: masks.geometry,
    maxValue: segments.length > 255 ? 65535 : 255,
  }
}

function segmentOf(item: Dataset, file: string): ReadSegment {
  const number = item.number('SegmentNumber')
  if (number === undefined) broken(file, 'a segment has no number')
  const category = codeOf(item, 'SegmentedPropertyCategoryCodeSequence')
  const type = codeOf(item, 'SegmentedPropertyTypeCodeSequence')
  const lab = item.numbers('RecommendedDisplayCIELabValue')
  return {
    number,
    label: textOf(item, 'SegmentLabel'),
    ...(category && { category }),
    ...(type && { type }),
    algorithm: item.text('SegmentAlgorithmType') ?? '',
    ...(lab?.length === 3 && { colour: fromDicomLab(lab) }),
  }
}

function codeOf(item: Dataset, keyword: Keyword): Code | undefined {
  const code = item.item(keyword)
  return (
    code && {
      value: code.text('CodeValue') ?? '',
      scheme: code.text('CodingSchemeDesignator') ?? '',
      meaning: textOf(code, 'CodeMeaning'),
    }
  )
}

function frameOf(dataset: Dataset, { position }: FramePlace, frame: number, file: string): SegFramePlace {
  const groups = [
    dataset.items('PerFrameFunctionalGroupsSequence')[frame],
    dataset.item('SharedFunctionalGroupsSequence'),
  ]
  const segment = groups
    .map((group) => group?.item('SegmentIdentificationSequence')?.number('ReferencedSegmentNumber'))
    .find((number) => number !== undefined)
  if (!position || segment === undefined) broken(file, 'a frame has no position or no segment')
  return { segment, position }
}

interface SliceGrid {
  readonly size: readonly [number, number, number]
  readonly geometry: ImageGeometry
}

/** The grid of the source; a single image is a grid of one slice. */
function givenGrid(
  onto: SegGrid,
  place: FramePlace,
  layout: { rows: number; columns: number },
  file: string,
): SliceGrid {
  const { geometry, shape } = onto
  const [rows, columns] = shape.slice(-2)
  const turned =
    geometry &&
    place.along &&
    Math.min(
      dot(place.along.x, geometry.directions.at(-1)!),
      dot(place.along.y, geometry.directions.at(-2)!),
    ) < 0.9999
  if (!geometry || turned || rows !== layout.rows || columns !== layout.columns) offGrid(file)
  if (shape.length === 4) return { size: [shape[1]!, rows, columns], geometry }
  const normal = cross(geometry.directions[1]!, geometry.directions[0]!)
  return {
    size: [1, rows, columns],
    geometry: {
      ...geometry,
      spacingMm: [1, ...geometry.spacingMm],
      directions: [normal, ...geometry.directions],
    },
  }
}

function ownGrid(
  dataset: Dataset,
  frames: readonly SegFramePlace[],
  [place]: readonly FramePlace[],
  { rows, columns }: { rows: number; columns: number },
  file: string,
): SliceGrid {
  const { along, spacingMm } = place!
  if (!along || !spacingMm) broken(file, 'its orientation or pixel spacing is missing')
  const normal = cross(along.x, along.y)
  const sorted = frames.map(({ position }) => position).toSorted((a, b) => dot(a, normal) - dot(b, normal))
  const first = sorted[0]!
  const heights = sorted.map((position) => dot(position, normal) - dot(first, normal))
  const gaps = heights.slice(1).map((height, i) => height - heights[i]!)
  const measures = dataset.item('SharedFunctionalGroupsSequence')?.item('PixelMeasuresSequence')
  const stated = measures?.number('SpacingBetweenSlices') ?? measures?.number('SliceThickness') ?? 1
  const reach = heights.at(-1)!
  const smallest = gaps.filter((gap) => gap > 1e-3).reduce((a, b) => Math.min(a, b), Infinity)
  // Empty slices have no frame, so the smallest gap may be several slices; what the file states wins when it fits.
  const fits = stated > 0 && Math.abs(smallest / stated - Math.round(smallest / stated)) < 0.05
  const step = fits || smallest === Infinity ? stated : smallest
  const slices = Math.round(reach / step) + 1
  const last = sorted.at(-1)!
  const length = Math.hypot(last[0] - first[0], last[1] - first[1], last[2] - first[2])
  const direction: Vector3 =
    reach > 1e-3
      ? [(last[0] - first[0]) / length, (last[1] - first[1]) / length, (last[2] - first[2]) / length]
      : normal
  return {
    size: [slices, rows, columns],
    geometry: {
      spacingMm: [slices > 1 ? length / (slices - 1) : step, ...spacingMm],
      originMm: first,
      directions: [direction, along.y, along.x],
    },
  }
}

/** Slice of a position; it may lie a tenth of a sample beside. */
function sliceOf(position: Vector3, { size, geometry }: SliceGrid, file: string): number {
  const { originMm, directions, spacingMm } = geometry
  const offset: Vector3 = [position[0] - originMm[0], position[1] - originMm[1], position[2] - originMm[2]]
  const normal = cross(directions[2]!, directions[1]!)
  const slice = Math.round(dot(offset, normal) / (spacingMm[0]! * dot(directions[0]!, normal)))
  const beside = offset.map((mm, axis) => mm - slice * spacingMm[0]! * directions[0]![axis]!)
  if (slice < 0 || slice >= size[0] || Math.hypot(...beside) > 0.1 * Math.min(...spacingMm.slice(1)))
    offGrid(file)
  return slice
}

function offGrid(file: string): never {
  return fail(
    'seg-grid',
    'The frames of the segmentation do not lie on the grid of the images',
    'Give the images that the segmentation was made from.',
    file,
  )
}
