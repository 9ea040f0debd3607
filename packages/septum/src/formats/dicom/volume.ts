import type { MedicalImage } from '@septum/core'
import { type ReadLimits, readLimits } from '../format.js'
import { applyPalette, type Palette, readPalette, ybrToRgb } from './colour.js'
import { openDicom } from './file.js'
import type { FramePlace } from './frame-place.js'
import type { PixelLayout } from './pixel-layout.js'
import { type CompressedDecoder, openFrames } from './pixels/decode.js'
import type { DecodedFrame } from './pixels/stored.js'
import { fail } from './problem.js'
import { fitsInt16, type GreyPlan, planGrey, storedValues, writeGrey } from './rescale.js'
import type { Series, SeriesChoice } from './series.js'
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

/** What a series will become, before a sample is decoded. */
export interface VolumePlan {
  readonly layout: PixelLayout
  readonly stack: Stack
  readonly frames: SeriesVolume['frames']
  readonly palette?: Palette
  readonly grey: GreyPlan
  readonly invert: boolean
  readonly image: { readonly shape: readonly number[]; readonly maxValue: number }
  readonly notes: readonly string[]
}

/** @throws SeptumError as `orderSeries`, `dicom-too-large`. */
export async function planVolume(series: Series, path: string, options: DicomOptions): Promise<VolumePlan> {
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

/**
 * Decodes a series.
 * @param compressed decodes frames that are neither native nor RLE.
 * @throws SeptumError as `planVolume` and the decoders.
 */
export async function readSeries(
  series: Series,
  path: string,
  options: DicomOptions,
  compressed: CompressedDecoder,
): Promise<DicomImage> {
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
    const open = await openFrames(await openDicom(source), own, compressed)
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
  { layout, palette }: VolumePlan,
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
