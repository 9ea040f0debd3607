import type { WritablePicture } from '../../formats/index.js'
import type { ShownCase } from './shown-cases.js'

/** Longest side of a tile: enough to judge a mask by, small enough to keep hundreds of sheets. */
const LONGEST = 192

/** A picture of tiles: a column for each case; rows are the image, then reference and prediction of each class. */
export interface ContactSheet {
  readonly picture: WritablePicture
  /** [height, width] of a tile. */
  readonly tile: readonly [number, number]
}

/** @param cases at least one, all of one size. */
export function contactSheet(cases: readonly ShownCase[]): ContactSheet {
  const [first] = cases
  const factor = Math.max(1, Math.ceil(Math.max(...first!.size) / LONGEST))
  const tile = first!.size.map((side) => Math.ceil(side / factor)) as [number, number]
  const rows = 1 + 2 * first!.classes.length
  const colour = first!.image.length === 3
  const channels = colour ? 3 : 1
  const [height, width] = [rows * tile[0], cases.length * tile[1]]
  const data = new Uint8Array(channels * height * width)
  const put = (
    map: Float32Array,
    [low, high]: Range,
    size: Size,
    row: number,
    column: number,
    into: number[],
  ) => {
    const small = shrink(map, size, factor)
    for (let y = 0; y < tile[0]; y++) {
      for (let x = 0; x < tile[1]; x++) {
        const value = Math.round((255 * (small[y * tile[1] + x]! - low)) / (high - low))
        const at = (row * tile[0] + y) * width + column * tile[1] + x
        for (const c of into) data[c * height * width + at] = Math.min(255, Math.max(0, value))
      }
    }
  }
  const all = colour ? [0, 1, 2] : [0]
  for (const [column, { image, size, classes }] of cases.entries()) {
    const range = rangeOf(image)
    if (colour) for (const [c, plane] of image.entries()) put(plane, range, size, 0, column, [c])
    else put(image[0]!, range, size, 0, column, all)
    for (const [k, { reference, prediction }] of classes.entries()) {
      put(reference, [0, 1], size, 1 + 2 * k, column, all)
      put(prediction, [0, 1], size, 2 + 2 * k, column, all)
    }
  }
  return { picture: { data, shape: [channels, height, width] }, tile }
}

type Range = readonly [low: number, high: number]
type Size = readonly [number, number]

/** Values in [0, 1] as they are; others, such as z-scores, from the least to the largest. */
function rangeOf(planes: readonly Float32Array[]): Range {
  let [low, high] = [0, 1]
  for (const plane of planes) {
    for (const value of plane) {
      if (value < low) low = value
      else if (value > high) high = value
    }
  }
  return [low, high]
}

/** Means of squares of `factor` pixels; those at the far edges may be smaller. */
function shrink(map: Float32Array, [height, width]: Size, factor: number): Float32Array {
  if (factor === 1) return map
  const columns = Math.ceil(width / factor)
  const sums = new Float32Array(Math.ceil(height / factor) * columns)
  const counts = new Uint32Array(sums.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = Math.floor(y / factor) * columns + Math.floor(x / factor)
      sums[at]! += map[y * width + x]!
      counts[at]!++
    }
  }
  return sums.map((sum, i) => sum / counts[i]!)
}
