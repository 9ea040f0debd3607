import { createHash } from 'node:crypto'
import { labelComponents, type MedicalImage } from '@septum/core'
import type { ReadLimits } from '../../formats/index.js'
import { readCaseImage } from '../case-image.js'
import { readCaseMasks } from '../case-masks.js'
import type { FolderDataset, SegmentationCase } from '../dataset.js'
import { IGNORE_LABEL } from '../mask-coding.js'
import { readSource } from '../sources.js'

/** Samples of one channel of one image. */
export interface ChannelStatistics {
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly std: number
  /** Samples that are no finite numbers; the others are counted above. */
  readonly notFinite: number
  /** Evenly spaced samples, for quantiles over the data set. */
  readonly sampled: Float32Array
}

/** What one rater marked as one class. */
export interface ClassMarks {
  readonly samples: number
  /** Samples of each connected part (8 or 26 neighbours), or of each numbered object. */
  readonly parts: readonly number[]
}

export interface CaseStatistics {
  readonly channels: readonly ChannelStatistics[]
  /** By rater, then class; empty for an unlabelled case. */
  readonly marks: readonly (readonly ClassMarks[])[]
  /** Samples of a mask, without ignored ones. */
  readonly counted: number
  /** SHA-256 of the decoded samples and their shape: equal for copies under another name or format. */
  readonly imageHash: string
}

/** Decodes one case and counts; nothing of it is kept. @throws SeptumError as `readSource`. */
export async function caseStatistics(
  dataset: FolderDataset,
  entry: SegmentationCase,
  sampledValues: number,
  limits: Partial<ReadLimits>,
): Promise<CaseStatistics> {
  const image = await readCaseImage(entry, limits)
  const channels = channelStatistics(image, sampledValues)
  const { data, shape } = image
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const imageHash = createHash('sha256').update(shape.join()).update(bytes).digest('hex')
  if (entry.masks.length === 0) return { channels, marks: [], counted: 0, imageHash }

  const size = entry.shape.slice(1)
  const samples = size.reduce((product, length) => product * length, 1)
  const labels = await readCaseMasks(dataset, entry, limits)
  const marks: ClassMarks[][] = []
  for (let rater = 0; rater < dataset.raters.length; rater++) {
    const own = labels.subarray(rater * samples, (rater + 1) * samples)
    const source = entry.masks[rater]
    if (dataset.description.masks === 'instances' && source) {
      const parts = objectSizes(await readSource(source, limits), samples)
      marks.push([{ samples: parts.reduce((sum, part) => sum + part, 0), parts }])
    } else marks.push(dataset.classes.map((_, index) => classMarks(own, membersOf(dataset, index), size)))
  }
  const ignored =
    dataset.ignoreLabel === undefined ? 0 : labels.filter((label) => label === IGNORE_LABEL).length
  return { channels, marks, counted: samples - ignored / dataset.raters.length, imageHash }
}

/** Labels that make up a class. */
export const membersOf = ({ regions }: Pick<FolderDataset, 'regions'>, index: number): ReadonlySet<number> =>
  new Set(regions?.[index] ?? [index + 1])

function channelStatistics({ data, shape }: MedicalImage, sampledValues: number): ChannelStatistics[] {
  const [channels = 1] = shape
  const samples = data.length / channels
  const stride = Math.max(1, Math.floor(samples / Math.max(1, sampledValues)))
  return Array.from({ length: channels }, (_, channel) => {
    let [min, max, mean, squares, count] = [Infinity, -Infinity, 0, 0, 0]
    const sampled: number[] = []
    for (let i = 0; i < samples; i++) {
      const value = data[channel * samples + i]!
      if (!Number.isFinite(value)) continue
      count++
      if (value < min) min = value
      if (value > max) max = value
      // Welford: sums of squares of CT values lose digits.
      const step = value - mean
      mean += step / count
      squares += step * (value - mean)
      if (i % stride === 0) sampled.push(value)
    }
    const std = count > 0 ? Math.sqrt(squares / count) : 0
    return { min, max, mean, std, notFinite: samples - count, sampled: Float32Array.from(sampled) }
  })
}

/** Sizes of the objects of a mask that numbers them. */
function objectSizes({ data }: MedicalImage, samples: number): number[] {
  const sizes = new Map<number, number>()
  for (let i = 0; i < samples; i++) {
    const value = data[i]!
    if (value > 0) sizes.set(value, (sizes.get(value) ?? 0) + 1)
  }
  return [...sizes].sort(([a], [b]) => a - b).map(([, size]) => size)
}

function classMarks(labels: Uint8Array, members: ReadonlySet<number>, size: readonly number[]): ClassMarks {
  const [height, width] = [size.at(-2)!, size.at(-1)!]
  const depth = size.length === 3 ? size[0]! : 1
  const low = [depth, height, width]
  const high = [-1, -1, -1]
  let samples = 0
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (!members.has(labels[i]!)) continue
        samples++
        const place = [z, y, x]
        for (let axis = 0; axis < 3; axis++) {
          if (place[axis]! < low[axis]!) low[axis] = place[axis]!
          if (place[axis]! > high[axis]!) high[axis] = place[axis]!
        }
      }
    }
  }
  if (samples === 0) return { samples, parts: [] }
  // Components of the box around the marks: a lesion in a CT takes a thousandth of its memory.
  const box = low.map((from, axis) => high[axis]! - from + 1) as [number, number, number]
  const inside = new Uint8Array(box[0] * box[1] * box[2])
  for (let z = 0, at = 0; z < box[0]; z++) {
    for (let y = 0; y < box[1]; y++) {
      const row = ((low[0]! + z) * height + low[1]! + y) * width + low[2]!
      for (let x = 0; x < box[2]; x++, at++) inside[at] = members.has(labels[row + x]!) ? 1 : 0
    }
  }
  const flat = size.length === 2
  const { labels: numbers, count } = labelComponents(inside, flat ? box.slice(1) : box, flat ? 8 : 26)
  const parts = new Array<number>(count).fill(0)
  for (const number of numbers) if (number > 0) parts[number - 1] = parts[number - 1]! + 1
  return { samples, parts }
}
