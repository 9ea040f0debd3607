import type { FolderDataset, SegmentationCase } from '../dataset.js'
import type { CaseStatistics } from './case-statistics.js'
import { quantile, type Spread, spreadOf } from './numbers.js'
import type { ClassRow, IntensityRow } from './types.js'

/** Sizes kept of a class, for a histogram. */
const MOST_SIZES = 20_000

/** One spread an axis, x first; of the cases with the most axes where pictures and volumes are mixed. */
export function rangesOf(rows: readonly (readonly number[])[]): Spread[] {
  const axes = rows.reduce((most, row) => Math.max(most, row.length), 0)
  return Array.from({ length: axes }, (_, axis) =>
    spreadOf(rows.filter((row) => row.length > axis).map((row) => row[axis]!)),
  ).filter((spread) => spread !== undefined)
}

export function intensityRows(
  { imageChannels, channelNames }: FolderDataset,
  found: readonly CaseStatistics[],
): IntensityRow[] {
  const names =
    channelNames ?? (imageChannels === 3 ? ['red', 'green', 'blue'] : imageChannels === 1 ? ['grey'] : [])
  return Array.from({ length: imageChannels }, (_, channel): IntensityRow | undefined => {
    const own = found.flatMap(({ channels }) => channels[channel] ?? []).filter(({ max, min }) => max >= min)
    if (own.length === 0) return undefined
    const total = own.reduce((sum, { sampled }) => sum + sampled.length, 0)
    const values = new Float32Array(total)
    let at = 0
    for (const { sampled } of own) {
      values.set(sampled, at)
      at += sampled.length
    }
    values.sort()
    const mean = (pick: (one: CaseStatistics['channels'][number]) => number) =>
      own.reduce((sum, one) => sum + pick(one), 0) / own.length
    return {
      channel: names[channel] ?? `${channel}`,
      min: own.reduce((least, { min }) => Math.min(least, min), Infinity),
      max: own.reduce((most, { max }) => Math.max(most, max), -Infinity),
      mean: mean((one) => one.mean),
      std: mean((one) => one.std),
      p005: quantile(values, 0.005),
      p50: quantile(values, 0.5),
      p995: quantile(values, 0.995),
    }
  }).filter((row) => row !== undefined)
}

export function classRow(
  name: string,
  index: number,
  labelled: readonly (readonly [SegmentationCase, CaseStatistics])[],
): ClassRow {
  const volumes = labelled.every(([{ shape, geometry }]) => shape.length === 4 && geometry)
  const unit = volumes && labelled.length > 0 ? 'mm³' : 'px'
  const sizes: number[] = []
  let [present, marked, all] = [0, 0, 0]
  for (const [{ geometry }, { marks, counted }] of labelled) {
    const scale = unit === 'mm³' ? geometry!.spacingMm.reduce((product, mm) => product * mm, 1) : 1
    const own = marks.map((classes) => classes[index]!)
    if (own.some(({ samples }) => samples > 0)) present++
    for (const { samples, parts } of own) {
      marked += samples
      for (const part of parts) sizes.push(part * scale)
    }
    all += counted * marks.length
  }
  const masks = labelled.reduce((sum, [, { marks }]) => sum + marks.length, 0)
  const stride = Math.max(1, Math.ceil(sizes.length / MOST_SIZES))
  return {
    name,
    cases: present,
    share: all > 0 ? marked / all : 0,
    parts: spreadOf(sizes),
    partsPerCase: masks > 0 ? sizes.length / masks : 0,
    sizes: sizes.filter((_, at) => at % stride === 0),
    unit,
  }
}
