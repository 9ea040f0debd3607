import { type ImageGeometry, type MedicalImage, SeptumError } from '@septum/core'
import { type ReadLimits, readLimits } from '../../format.js'
import type { Dataset } from '../dataset.js'
import { type DicomFile, openDicom } from '../file.js'
import { type FramePlace, framePlaces } from '../frame-place.js'
import { fileSource } from '../node-source.js'
import { pixelLayout } from '../pixel-layout.js'
import { decodeCompressed } from '../pixels/compressed.js'
import { openFrames } from '../pixels/decode.js'
import { broken, fail } from '../problem.js'
import type { Keyword } from '../tags.js'
import type { Code } from './codes.js'
import { fromDicomLab } from './colour.js'
import { SEGMENTATION_CLASS } from './dataset.js'
import { givenGrid, ownGrid, type SegFramePlace, type SegGrid, sliceOf } from './grid.js'
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
  const open = await openFrames(dicom, layout, decodeCompressed)
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
