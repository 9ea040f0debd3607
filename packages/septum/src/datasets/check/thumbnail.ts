import type { ImageSamples } from '@septum/core'
import type { ReadLimits } from '../../formats/index.js'
import { readCaseImage } from '../case-image.js'
import { readCaseMasks } from '../case-masks.js'
import type { FolderDataset, SegmentationCase } from '../dataset.js'
import { IGNORE_LABEL } from '../mask-coding.js'
import { membersOf } from './case-statistics.js'
import { quantile } from './numbers.js'
import { shrinkTo } from './shrink.js'

/**
 * A picture of a case, at most 400 pixels a side: of a volume, the slice with the most marks (the middle one where
 * there are none).
 */
export interface Thumbnail {
  readonly case: string
  readonly width: number
  readonly height: number
  /** Interleaved 8-bit RGB, [height, width, 3]. */
  readonly pixels: Uint8Array
  /** Height of a pixel over its width, where the spacing differs. */
  readonly aspect: number
  readonly labelled: boolean
  /** One mask a line to draw: a class, or a rater where there are several. The marked share of each pixel. */
  readonly masks: readonly { readonly layer: number; readonly marks: Float32Array }[]
  /** `slice 12 of 36` for a volume. */
  readonly slice: string | undefined
}

/** Layers of the contact sheet: raters where there are several, else classes. */
export function layersOf({ raters, classes }: FolderDataset): readonly string[] {
  return raters.length > 1 ? raters.map((rater) => `rater ${rater}`) : classes
}

/** Twice a tile of the contact sheet, for screens of double density. */
const LARGEST = 400
/** Quantiles of an image between which it is shown. */
const WINDOW = [0.005, 0.995] as const

/** @throws SeptumError as `readSource`. */
export async function readThumbnail(
  dataset: FolderDataset,
  entry: SegmentationCase,
  limits: Partial<ReadLimits> = {},
): Promise<Thumbnail> {
  const { shape, geometry } = entry
  const [height, width] = [shape.at(-2)!, shape.at(-1)!]
  const depth = shape.length === 4 ? shape[1]! : 1
  const plane = height * width
  const layers = layersOf(dataset)
  const labels = entry.masks.length > 0 ? await readCaseMasks(dataset, entry, limits) : new Uint8Array()
  const at = fullestSlice(labels, depth, plane, dataset.raters.length)
  const { data } = await readCaseImage(entry, limits)
  const [channels = 1] = shape
  const cut = (from: number) => data.subarray(from + at * plane, from + (at + 1) * plane)
  const photograph = channels === 3 && shape.length === 3 && data instanceof Uint8Array
  const shown = photograph
    ? [0, 1, 2].map((channel) => cut(channel * plane) as Uint8Array)
    : new Array<Uint8Array>(3).fill(windowed(cut(0), data.subarray(0, plane * depth)))
  const small = shrinkTo(LARGEST, [height, width])
  const pixels = new Uint8Array(3 * small.width * small.height)
  for (const [c, values] of shown.entries()) {
    for (const [i, mean] of small.plane((pixel) => values[pixel]!).entries())
      pixels[3 * i + c] = Math.round(mean)
  }
  const masks = layers.map((_, layer) => {
    const rater = dataset.raters.length > 1 ? layer : 0
    const classes = dataset.raters.length > 1 ? dataset.classes.map((_, index) => index) : [layer]
    const members = new Set(classes.flatMap((index) => [...membersOf(dataset, index)]))
    const from = (rater * depth + at) * plane
    const marks = small.plane((pixel) => (labels.length > 0 && members.has(labels[from + pixel]!) ? 1 : 0))
    return { layer, marks }
  })
  const spacing = geometry?.spacingMm.slice(-2)
  return {
    case: entry.name,
    width: small.width,
    height: small.height,
    pixels,
    aspect: spacing ? spacing[0]! / spacing[1]! : 1,
    labelled: labels.length > 0,
    masks: masks.filter(({ marks }) => marks.some((mark) => mark > 0)),
    slice: shape.length === 4 ? `slice ${at + 1} of ${depth}` : undefined,
  }
}

function fullestSlice(labels: Uint8Array, depth: number, plane: number, raters: number): number {
  let [best, most] = [Math.floor(depth / 2), 0]
  for (let z = 0; z < depth && labels.length > 0; z++) {
    let marked = 0
    for (let rater = 0; rater < raters; rater++) {
      const from = (rater * depth + z) * plane
      for (let i = 0; i < plane; i++) if (labels[from + i]! > 0 && labels[from + i] !== IGNORE_LABEL) marked++
    }
    if (marked > most) [best, most] = [z, marked]
  }
  return best
}

/** Grey values of a slice, stretched between two quantiles of its whole image. */
function windowed(slice: ImageSamples, whole: ImageSamples): Uint8Array {
  const stride = Math.max(1, Math.floor(whole.length / 10_000))
  const sampled: number[] = []
  for (let i = 0; i < whole.length; i += stride) if (Number.isFinite(whole[i]!)) sampled.push(whole[i]!)
  const sorted = Float64Array.from(sampled).sort()
  if (sorted.length === 0) return new Uint8Array(slice.length)
  const [low, high] = WINDOW.map((share) => quantile(sorted, share)) as [number, number]
  const scale = high > low ? 255 / (high - low) : 0
  return Uint8Array.from(slice, (value) => Math.min(255, Math.max(0, Math.round((value - low) * scale) || 0)))
}

/** At most `count` cases at equal distances, labelled ones first where some are not. */
export function chooseCases(cases: readonly SegmentationCase[], count: number): SegmentationCase[] {
  const labelled = cases.filter(({ masks }) => masks.length > 0)
  const pool = labelled.length >= count || labelled.length === cases.length ? labelled : cases
  const taken = Math.min(count, pool.length)
  return Array.from({ length: taken }, (_, k) => pool[Math.floor(((k + 0.5) * pool.length) / taken)]!)
}
