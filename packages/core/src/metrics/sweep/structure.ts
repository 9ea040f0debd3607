import type { Grid } from '../grid.js'
import { gridOf } from '../grid.js'

const EPSILON = 2 ** -52

/**
 * S-measure with alpha = 1/2 (Fan et al., ICCV 2017) as PraNet's program computes it: half object term,
 * half region term, not below 0. The reference is split after its centroid, 1-based and rounded half up; an
 * empty block has weight 0 (the released programs give NaN there). Not invariant under rotation.
 * Empty reference: 1 - mean(p); full reference: mean(p).
 * @param values [pixels] in [0, 1], after the min-max stretch. @param reference [pixels]. @param shape [height, width].
 */
export function structureMeasure(
  values: Float64Array,
  reference: Uint8Array,
  shape: readonly number[],
): number {
  const grid = gridOf(shape)
  const { marked, column, row } = centroid(reference, grid)
  if (marked === 0) return 1 - mean(values)
  if (marked === grid.pixels) return mean(values)
  const object = objectTerm(values, reference, marked)
  const region = regionTerm(values, reference, grid, row, column)
  return Math.max(0, 0.5 * object + 0.5 * region)
}

function mean(values: Float64Array): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i]!
  return sum / values.length
}

/** Number of marked pixels and the first row and column after the split. */
function centroid(reference: Uint8Array, { height, width }: Grid) {
  let marked = 0
  let rows = 0
  let columns = 0
  for (let y = 0; y < height; y++) {
    let inRow = 0
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (reference[i] === 0) continue
      inRow++
      columns += x
    }
    marked += inRow
    rows += inRow * y
  }
  return {
    marked,
    column: Math.floor(columns / marked + 1.5),
    row: Math.floor(rows / marked + 1.5),
  }
}

/** Weighted mean of the likeness of the prediction inside the object and of its complement outside. */
function objectTerm(values: Float64Array, reference: Uint8Array, marked: number): number {
  // Sums of differences to a first value: a constant part has a deviation of exactly 0.
  let start = 0
  while (reference[start] === 0) start++
  const firstInside = values[start]!
  const firstOutside = values[reference.indexOf(0)]!
  let inside = 0
  let insideSquares = 0
  let outside = 0
  let outsideSquares = 0
  for (let i = 0; i < values.length; i++) {
    if (reference[i] === 0) {
      const difference = values[i]! - firstOutside
      outside += difference
      outsideSquares += difference * difference
    } else {
      const difference = values[i]! - firstInside
      inside += difference
      insideSquares += difference * difference
    }
  }
  const share = marked / values.length
  const unmarked = values.length - marked
  return (
    share * likeness(firstInside + inside / marked, inside, insideSquares, marked) +
    (1 - share) * likeness(1 - firstOutside - outside / unmarked, outside, outsideSquares, unmarked)
  )
}

/** 2m / (m^2 + 1 + s), s with divisor count - 1; s of a single pixel is 0. */
function likeness(average: number, sum: number, squares: number, count: number): number {
  const variance = count > 1 ? Math.max(0, squares - (sum * sum) / count) / (count - 1) : 0
  return (2 * average) / (average * average + 1 + Math.sqrt(variance) + EPSILON)
}

function regionTerm(
  values: Float64Array,
  reference: Uint8Array,
  { height, width, pixels }: Grid,
  row: number,
  column: number,
): number {
  let total = 0
  for (const [top, bottom] of [
    [0, row],
    [row, height],
  ] as const) {
    for (const [left, right] of [
      [0, column],
      [column, width],
    ] as const) {
      const area = (bottom - top) * (right - left)
      if (area > 0)
        total += (area / pixels) * blockScore(values, reference, width, top, bottom, left, right, area)
    }
  }
  return total
}

/** Structural similarity of one block, without stabilising constants. */
function blockScore(
  values: Float64Array,
  reference: Uint8Array,
  width: number,
  top: number,
  bottom: number,
  left: number,
  right: number,
  area: number,
): number {
  const first = values[top * width + left]!
  let marked = 0
  let sum = 0
  let squares = 0
  let inside = 0
  for (let y = top; y < bottom; y++) {
    for (let i = y * width + left, end = y * width + right; i < end; i++) {
      const difference = values[i]! - first
      sum += difference
      squares += difference * difference
      if (reference[i] !== 0) {
        marked++
        inside += difference
      }
    }
  }
  const x = first + sum / area
  const y = marked / area
  const divisor = area - 1 + EPSILON
  const varianceX = Math.max(0, squares - (sum * sum) / area) / divisor
  const varianceY = (marked * (1 - y)) / divisor
  const covariance = (inside - y * sum) / divisor
  const upper = 4 * x * y * covariance
  const lower = (x * x + y * y) * (varianceX + varianceY)
  if (upper !== 0) return upper / (lower + EPSILON)
  return lower === 0 ? 1 : 0
}
