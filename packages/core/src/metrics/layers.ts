import { SeptumError } from '../error.js'
import { checkLength, gridOf } from './grid.js'

/** Distances between the edges of a layer, in the unit of the spacing. */
export interface LayerScores {
  /** Mean over both edges of the mean vertical distance of the columns. */
  readonly edgeDistance: number
  /** Upper edge (first row of the layer in each column) alone. */
  readonly upperEdgeDistance: number
  /** Lower edge (last row) alone. */
  readonly lowerEdgeDistance: number
  /** Columns where only one map has the layer; each counts the height of the image. */
  readonly missedColumns: number
}

/**
 * Mean distance of the edges of a layer that runs across the image (the MED of GOALS; the challenge's own
 * formula is not public, this is ours): in each column the vertical distance of the edges. Columns without
 * the layer in both maps do not count; where one map has it, the distance is the height of the image.
 * Both maps empty: 0.
 * @param shape [height, width]. @param spacing only the vertical one matters.
 * @throws SeptumError `metric-shape` for volumes or wrong sizes, `metric-spacing`.
 */
export function layerScores(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  spacing?: readonly number[],
): LayerScores {
  const grid = planeOf(shape, spacing)
  checkLength(prediction, grid.pixels, 'prediction')
  checkLength(reference, grid.pixels, 'reference')
  const { height, width } = grid
  const a = layerEdges(prediction, height, width)
  const b = layerEdges(reference, height, width)
  let columns = 0
  let missed = 0
  let upper = 0
  let lower = 0
  for (let x = 0; x < width; x++) {
    const inA = a.upper[x]! >= 0
    const inB = b.upper[x]! >= 0
    if (!inA && !inB) continue
    columns++
    if (inA && inB) {
      upper += Math.abs(a.upper[x]! - b.upper[x]!)
      lower += Math.abs(a.lower[x]! - b.lower[x]!)
    } else {
      missed++
      upper += height
      lower += height
    }
  }
  const scale = columns === 0 ? 0 : grid.spacing[1] / columns
  return {
    edgeDistance: ((upper + lower) / 2) * scale,
    upperEdgeDistance: upper * scale,
    lowerEdgeDistance: lower * scale,
    missedColumns: missed,
  }
}

/**
 * The same edges as curves in the plane: for each point of either curve the Euclidean distance to the nearest
 * point of the other, averaged over both directions together, then over the two edges. Less strict than the
 * vertical distance where layers are steep. Both maps empty: 0; one: NaN.
 * @throws SeptumError as `layerScores`.
 */
export function layerNearestDistance(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  spacing?: readonly number[],
): number {
  const grid = planeOf(shape, spacing)
  checkLength(prediction, grid.pixels, 'prediction')
  checkLength(reference, grid.pixels, 'reference')
  const a = layerEdges(prediction, grid.height, grid.width)
  const b = layerEdges(reference, grid.height, grid.width)
  const inA = a.upper.some((row) => row >= 0)
  const inB = b.upper.some((row) => row >= 0)
  if (!inA || !inB) return inA === inB ? 0 : Number.NaN
  const steps = [grid.spacing[1], grid.spacing[2]] as const
  return (symmetricMean(a.upper, b.upper, steps) + symmetricMean(a.lower, b.lower, steps)) / 2
}

function planeOf(shape: readonly number[], spacing?: readonly number[]) {
  const grid = gridOf(shape, spacing)
  if (grid.dimensions === 2) return grid
  throw new SeptumError(
    'metric-shape',
    `Layer edges are not defined on a volume of shape [${shape.join(', ')}]`,
    'Score the slices one by one.',
  )
}

interface LayerEdges {
  /** First row of the layer in each column, -1 without it. */
  readonly upper: Int32Array
  /** Last row. */
  readonly lower: Int32Array
}

function layerEdges(mask: Uint8Array, height: number, width: number): LayerEdges {
  const upper = new Int32Array(width).fill(-1)
  const lower = new Int32Array(width).fill(-1)
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      if (mask[i] === 0) continue
      if (upper[x]! < 0) upper[x] = y
      lower[x] = y
    }
  }
  return { upper, lower }
}

function symmetricMean(a: Int32Array, b: Int32Array, steps: readonly [number, number]): number {
  let sum = 0
  let count = 0
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    for (let x = 0; x < from.length; x++) {
      if (from[x]! < 0) continue
      sum += nearest(from[x]!, x, to, steps)
      count++
    }
  }
  return sum / count
}

/** Searches outwards from column x until the columns alone are farther than the best point. */
function nearest(
  row: number,
  x: number,
  curve: Int32Array,
  [down, right]: readonly [number, number],
): number {
  let best = Infinity
  for (let k = 0; k < curve.length && (k * right) ** 2 < best; k++) {
    for (const column of k === 0 ? [x] : [x - k, x + k]) {
      const other = curve[column]
      if (other === undefined || other < 0) continue
      best = Math.min(best, ((row - other) * down) ** 2 + (k * right) ** 2)
    }
  }
  return Math.sqrt(best)
}
