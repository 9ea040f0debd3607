import { distancesBetween, type Size } from '../distance/field.js'
import { checkLength, gridOf } from '../grid.js'
import { iouFromCounts } from '../overlap.js'
import { cropPair } from './crop.js'

export interface BoundaryOptions {
  /** Distance between neighbours along each axis; default 1. */
  readonly spacing?: readonly number[]
  /** Width of the band as a share of the image's diagonal, default 0.02; at least one pixel. */
  readonly ratio?: number
  /** Width of the band in the unit of the spacing; takes the place of `ratio`. */
  readonly width?: number
  /**
   * `chessboard` (default): the band that repeated erosion by a 3x3 square leaves, as in the authors' program;
   * counts pixels and knows no spacing. `euclidean`: pixels whose centre is within the width of a pixel
   * outside, with spacing.
   */
  readonly distance?: 'chessboard' | 'euclidean'
}

/**
 * Boundary IoU (Cheng et al., CVPR 2021): IoU of the inner bands of both masks along their contours. Pixels
 * beyond the image count as outside. In volumes the same with cubes [our extension]. Both empty: 1; one: 0.
 * @param shape [H, W] or [D, H, W].
 * @returns in [0, 1]. @throws SeptumError `metric-shape` or `metric-spacing`.
 */
export function boundaryIou(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  options: BoundaryOptions = {},
): number {
  const grid = gridOf(shape, options.spacing)
  checkLength(prediction, grid.pixels, 'prediction')
  checkLength(reference, grid.pixels, 'reference')
  const pair = cropPair(prediction, reference, grid)
  if (!pair) return 1
  const ratio = options.ratio ?? 0.02
  const euclidean = options.distance === 'euclidean'
  const steps = grid.spacing.slice(3 - grid.dimensions)
  const diagonal = Math.hypot(...shape.map((size, axis) => size * (euclidean ? steps[axis]! : 1)))
  const least = euclidean ? Math.min(...steps) : 1
  const width =
    options.width ?? Math.max(least, euclidean ? ratio * diagonal : roundHalfToEven(ratio * diagonal))
  const band = (mask: Uint8Array) =>
    euclidean ? nearOutside(mask, pair.size, grid.spacing, width) : eroded(mask, pair.size, width)
  const a = band(pair.a)
  const b = band(pair.b)
  let both = 0
  let countA = 0
  let countB = 0
  for (let i = 0; i < a.length; i++) {
    countA += a[i]!
    countB += b[i]!
    both += a[i]! & b[i]!
  }
  return iouFromCounts(both, countA, countB)
}

/** The authors' program rounds the width with Python's `round`. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value)
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** Marked pixels at most `width` away from the nearest unmarked one. */
function nearOutside(
  mask: Uint8Array,
  size: Size,
  spacing: readonly [number, number, number],
  width: number,
) {
  const outside = mask.map((value) => 1 - value)
  const distances = distancesBetween(mask, outside, size, spacing)
  const band = new Uint8Array(mask.length)
  let place = 0
  for (let i = 0; i < mask.length; i++) if (mask[i] === 1) band[i] = distances[place++]! <= width ? 1 : 0
  return band
}

/** The mask without its erosion by a square (cube) of side 2 width + 1: one axis after the other. */
function eroded(mask: Uint8Array, [depth, height, width]: Size, radius: number): Uint8Array {
  const left = Uint8Array.from(mask)
  const plane = height * width
  for (let line = 0; line < depth * height; line++) erodeLine(left, line * width, 1, width, radius)
  for (let z = 0; z < depth; z++) {
    for (let x = 0; x < width; x++) erodeLine(left, z * plane + x, width, height, radius)
  }
  if (depth > 1) for (let i = 0; i < plane; i++) erodeLine(left, i, plane, depth, radius)
  return mask.map((value, i) => value & ~left[i]! & 1)
}

/** Unmarks `radius` pixels at both ends of every run of a line; the margin ends the outermost runs. */
function erodeLine(mask: Uint8Array, start: number, stride: number, count: number, radius: number): void {
  let run = 0
  for (let i = 0; i < count; i++) {
    const at = start + i * stride
    if (mask[at] !== 0) {
      run++
      continue
    }
    if (run > 0) {
      for (let k = 1; k <= Math.min(run, radius); k++) {
        mask[at - k * stride] = 0
        mask[at - (run + 1 - k) * stride] = 0
      }
    }
    run = 0
  }
}
