import { type Box, boxOf, nearestPixels } from '../distance/nearest-pixel.js'

const EPSILON = 2 ** -52
/** Side 7, standard deviation 5; the 2-D kernel of the paper is the product of two of these. */
const RADIUS = 3
const REACH = Math.ceil(Math.SQRT2 * RADIUS)
const KERNEL = gaussian(RADIUS, 5)
/** An error 5 pixels away from the object weighs 1.5. */
const DECAY = Math.log(0.5) / 5

/**
 * Weighted F-measure (Margolin et al., CVPR 2014), as PraNet's and PySODMetrics' programs compute it: errors
 * inside the object are forgiven where their neighbourhood is right, errors outside weigh more the farther
 * away they are. An all-zero prediction does not score 0 (borders are smoothed): a known property.
 * Where several pixels of the reference are equally near, the smallest column, then row is taken, as SciPy does.
 * @param values [pixels] in [0, 1], after the min-max stretch. @param reference [pixels].
 * @param shape [height, width].
 * @param betaSquared 1 in the toolboxes, 0.3 in SOD-Evaluation-Metrics.
 * @returns in [0, 1]; 0 for an empty reference.
 */
export function weightedF(
  values: Float64Array,
  reference: Uint8Array,
  shape: readonly [number, number],
  betaSquared = 1,
): number {
  const [height, width] = shape
  const box = boxOf(reference, height, width)
  if (!box) return 0
  // The kernel reaches pixels outside the object that are at most its half diagonal away.
  const { squared, index } = nearestPixels(reference, height, width, box, REACH)
  const weights = distanceWeights(height * height + width * width)
  let wrong = 0
  for (let i = 0; i < values.length; i++) {
    // Most of a background is exactly 0, where the weight is of no account.
    if (squared[i] !== 0 && values[i] !== 0) wrong += values[i]! * weights[squared[i]!]!
  }
  const smooth = smoothedErrors(values, index, box, height, width)
  let marked = 0
  let missed = 0
  const { top, bottom, left, right } = box
  for (let y = top; y <= bottom; y++) {
    const line = (y - top) * (right - left + 1) - left
    for (let x: number = left; x <= right; x++) {
      const i = y * width + x
      if (squared[i] !== 0) continue
      marked++
      missed += Math.min(1 - values[i]!, smooth[line + x]!)
    }
  }
  const hit = marked - missed
  const recall = 1 - missed / marked
  const precision = hit / (EPSILON + hit + wrong)
  return ((1 + betaSquared) * recall * precision) / (EPSILON + recall + betaSquared * precision)
}

/**
 * Errors, those outside replaced by the error of the nearest pixel inside, smoothed by the Gaussian with
 * zeros beyond the image; only in the box of the object, which is all that is used of them.
 * @returns [rows of the box, columns of the box]
 */
function smoothedErrors(
  values: Float64Array,
  index: Int32Array,
  box: Box,
  height: number,
  width: number,
): Float64Array {
  const columns = box.right - box.left + 1
  const rows = box.bottom - box.top + 1
  const padded = columns + 2 * RADIUS
  const line = new Float64Array(padded)
  const across = new Float64Array((rows + 2 * RADIUS) * columns)
  for (let y = Math.max(0, box.top - RADIUS); y <= Math.min(height - 1, box.bottom + RADIUS); y++) {
    const from = Math.max(0, box.left - RADIUS)
    const to = Math.min(width - 1, box.right + RADIUS)
    // Outside the image the line keeps its zeros; inside, every row writes the same places.
    for (let x = from; x <= to; x++) line[x - box.left + RADIUS] = 1 - values[index[y * width + x]!]!
    const out = (y - box.top + RADIUS) * columns
    for (let x = 0; x < columns; x++) across[out + x] = dot(line, x, 1)
  }
  const smooth = new Float64Array(rows * columns)
  for (let i = 0; i < smooth.length; i++) smooth[i] = dot(across, i, columns)
  return smooth
}

function dot(values: Float64Array, start: number, step: number): number {
  return (
    KERNEL[0]! * (values[start]! + values[start + 6 * step]!) +
    KERNEL[1]! * (values[start + step]! + values[start + 5 * step]!) +
    KERNEL[2]! * (values[start + 2 * step]! + values[start + 4 * step]!) +
    KERNEL[3]! * values[start + 3 * step]!
  )
}

function gaussian(radius: number, sigma: number): Float64Array {
  const values = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  )
  const sum = values.reduce((total, value) => total + value, 0)
  return values.map((value) => value / sum)
}

let weightTable = new Float64Array(0)

/** 2 - exp(ln(1/2) / 5 d) for every squared distance up to `largest`; kept, because cases share their size. */
function distanceWeights(largest: number): Float64Array {
  if (weightTable.length <= largest) {
    weightTable = Float64Array.from({ length: largest + 1 }, (_, d2) => 2 - Math.exp(DECAY * Math.sqrt(d2)))
  }
  return weightTable
}
