import type { MedicalImage } from '@septum/core'
import { type ImageHeader, type ReadLimits, readLimits } from '../format.js'
import { openCollection } from './archive.js'
import { applyPalette, type Palette, readPalette, ybrToRgb } from './colour.js'
import { openDicom } from './file.js'
import type { FramePlace } from './frame-place.js'
import type { PixelLayout } from './pixel-layout.js'
import { openFrames } from './pixels/decode.js'
import type { DecodedFrame } from './pixels/stored.js'
import { fail } from './problem.js'
import { fitsInt16, type GreyPlan, planGrey, storedValues, writeGrey } from './rescale.js'
import { chooseSeries, collectSeries, type Series, type SeriesChoice } from './series.js'
import type { SliceRule } from './slices.js'
import { type Stack, stackFrames } from './stack.js'

/** What to do where a folder or archive leaves a choice. */
export interface DicomOptions {
  /** Default `only`: several series are an error that lists them. */
  readonly series?: SeriesChoice
  /** Default `refuse`: missing, doubled, uneven or shifted slices are an error. */
  readonly slices?: SliceRule
  readonly limits?: Partial<ReadLimits>
}

/** An image read from DICOM, with what else its files say of it. */
export interface DicomImage extends MedicalImage {
  /** Sentences on what was assumed, converted or left out. No name, id or date. */
  readonly notes: readonly string[]
  /** How the scanner would show it: a hint, not applied. */
  readonly window?: { readonly center: number; readonly width: number }
}

/**
 * Reads DICOM: a file, or a series below a folder or in a zip archive.
 *
 * Slices are ordered by their position along the slice normal. Grey values are rescaled with the slope and intercept
 * of their slice; MONOCHROME1 is mirrored so that larger is brighter, except for physical units; colours become RGB.
 *
 * @returns shape [C, H, W] for one image, [C, D, H, W] for several; C is 1 for grey, 3 for RGB, or the number of
 * phases of a time series. Geometry when the files have one.
 * @throws SeptumError with a code that begins with `dicom-`, `archive-` or `picture-`; see docs/errors.md.
 */
export async function readDicom(path: string, options: DicomOptions = {}): Promise<DicomImage> {
  return withSeries(path, options, (series) => readSeries(series, path, options))
}

/** What `readDicom` would give, without decoding a sample. @throws SeptumError as `readDicom`. */
export async function readDicomHeader(path: string, options: DicomOptions = {}): Promise<ImageHeader> {
  return withSeries(path, options, async (series) => {
    const { image, stack, layout, notes } = await planVolume(series, path, options)
    const { signed, float, bitsAllocated } = layout
    return {
      format: 'DICOM',
      shape: image.shape,
      ...(stack.geometry && { geometry: stack.geometry }),
      maxValue: image.maxValue,
      sampleType:
        bitsAllocated === 1 ? 'bit' : `${float ? 'float' : signed ? 'int' : 'uint'}${bitsAllocated}`,
      notes,
    }
  })
}

/** Opens a path and does some work with the one series that is meant. */
export async function withSeries<T>(
  path: string,
  { series = 'only' }: DicomOptions,
  work: (series: Series) => Promise<T>,
): Promise<T> {
  const collection = await openCollection(path)
  try {
    return await work(chooseSeries(await collectSeries(collection, path), series, path))
  } finally {
    collection.close()
  }
}

/** Frames of a series in order, as (member, frame in it). */
export interface SeriesVolume {
  readonly stack: Stack
  readonly frames: readonly { readonly member: number; readonly frame: number }[]
}

/** Orders the frames of a series. @throws SeptumError as `stackFrames`. */
export function orderSeries({ members }: Series, path: string, slices: SliceRule = 'refuse'): SeriesVolume {
  const frames = members.flatMap(({ places }, member) => places.map((_, frame) => ({ member, frame })))
  const places = members.flatMap((member) => member.places)
  return { frames, stack: stackFrames(places, slices, members.length === 1, path) }
}

interface Plan {
  readonly layout: PixelLayout
  readonly stack: Stack
  readonly frames: SeriesVolume['frames']
  readonly palette?: Palette
  readonly grey: GreyPlan
  readonly invert: boolean
  readonly image: { readonly shape: readonly number[]; readonly maxValue: number }
  readonly notes: readonly string[]
}

async function planVolume(series: Series, path: string, options: DicomOptions): Promise<Plan> {
  const { members } = series
  const { layout } = members[0]!
  const { rows, columns, photometric } = layout
  const { stack, frames } = orderSeries(series, path, options.slices)
  const places = members.flatMap((member) => member.places)
  const palette =
    photometric === 'PALETTE COLOR' ? readPalette((await openDicom(members[0]!.source)).dataset) : undefined
  const colour = palette !== undefined || layout.samples === 3
  const slices = stack.order[0]!.length
  const channels = stack.order.length * (colour ? 3 : 1)
  const shape = slices === 1 ? [channels, rows, columns] : [channels, slices, rows, columns]
  const grey = planGrey(
    layout,
    places.map(({ rescale }) => rescale),
  )
  const bytes = shape.reduce((product, size) => product * size, grey.make(0).BYTES_PER_ELEMENT)
  const { maxBytes } = { ...readLimits, ...options.limits }
  if (bytes > maxBytes) {
    fail(
      'dicom-too-large',
      `The image of shape [${shape.join(', ')}] takes ${Math.ceil(bytes / 2 ** 20)} MB, more than the limit of ${Math.floor(maxBytes / 2 ** 20)} MB`,
      'Crop it, or read fewer slices.',
      path,
    )
  }
  const mirrored = photometric === 'MONOCHROME1'
  const invert = mirrored && !places.some(({ physical }) => physical)
  const notes = [
    ...series.notes,
    ...stack.notes,
    ...(mirrored
      ? [
          `MONOCHROME1 was ${invert ? 'mirrored: larger is brighter' : 'not mirrored: its values are physical'}.`,
        ]
      : []),
  ]
  const maxValue = palette ? 2 ** palette.bits - 1 : colour ? 2 ** layout.bitsStored - 1 : grey.maxValue
  return {
    layout,
    stack,
    frames,
    ...(palette && { palette }),
    grey,
    invert,
    image: { shape, maxValue },
    notes,
  }
}

async function readSeries(series: Series, path: string, options: DicomOptions): Promise<DicomImage> {
  const plan = await planVolume(series, path, options)
  const { stack, frames, layout, image, notes } = plan
  const { shape, maxValue } = image
  const samples = shape.reduce((product, size) => product * size, 1)
  const colour = plan.palette !== undefined || layout.samples === 3
  const deep = (plan.palette?.bits ?? layout.bitsStored) > 8
  const { grey, invert } = plan
  const tried = grey.tryInt16 ? new Int16Array(samples) : grey.make(colour ? 0 : samples)
  let data: MedicalImage['data'] = colour
    ? deep
      ? new Uint16Array(samples)
      : new Uint8Array(samples)
    : tried
  /** Place of each frame in the volume: file after file is opened once. */
  const wanted = new Map(stack.order.flat().map((frame, slot) => [frame, slot]))
  let number = 0
  for (const { source, layout: own, places } of series.members) {
    const open = await openFrames(await openDicom(source), own)
    for (const [frame, place] of places.entries()) {
      const slot = wanted.get(number++)
      if (slot === undefined) continue
      const decoded = await open(frame)
      if (colour) {
        writeColour(data, slot, samples / 3, decoded, plan)
        continue
      }
      const values = storedValues(decoded.samples, own)
      if (grey.tryInt16 && data instanceof Int16Array && !fitsInt16(values, own, place.rescale, invert)) {
        data = Int32Array.from(data)
      }
      writeGrey(data, slot * own.rows * own.columns, values, own, place.rescale, invert)
    }
  }
  const { window } = series.members[frames[stack.order[0]![0]!]!.member]!.places[0] as FramePlace
  return {
    data,
    shape,
    ...(stack.geometry && { geometry: stack.geometry }),
    maxValue,
    notes,
    ...(window && { window }),
  }
}

/** Writes an RGB frame into three planes (or volumes). */
function writeColour(
  out: MedicalImage['data'],
  slot: number,
  plane: number,
  { samples, rgb }: DecodedFrame,
  { layout, palette }: Plan,
): void {
  const values = palette
    ? applyPalette(storedValues(samples, layout), palette)
    : storedValues(samples, layout)
  if (!palette && !rgb && layout.photometric !== 'RGB') ybrToRgb(values, layout.bitsStored)
  const pixels = layout.rows * layout.columns
  for (let colour = 0; colour < 3; colour++) {
    const offset = colour * plane + slot * pixels
    for (let pixel = 0; pixel < pixels; pixel++) out[offset + pixel] = values[3 * pixel + colour]!
  }
}
