import { labelComponents } from '../../topology/components.js'
import { eulerCharacteristic } from '../../topology/euler.js'
import type { Mask } from '../catalogue.js'
import { checkLength, gridOf } from '../grid.js'

/**
 * How the foreground is connected: `full` 8 in the plane, 26 in space, with a background of 4 or 6; `cross` the other way
 * round (the V-construction of Betti matching).
 */
export type ForegroundConnectivity = 'full' | 'cross'

/**
 * Betti numbers of a mask: components and holes in the plane; components, tunnels and cavities in space. Holes are
 * counted with the dual connectivity and the world outside the image as background.
 * @returns [b0, b1] or [b0, b1, b2]; zeros for an empty mask. @throws SeptumError `metric-shape`.
 */
export function bettiNumbers(
  mask: Mask,
  shape: readonly number[],
  foreground: ForegroundConnectivity = 'full',
): number[] {
  const full = foreground === 'full'
  const euler = eulerCharacteristic(mask, shape, full ? 'closed' : 'open')
  if (shape.length === 2) {
    const components = labelComponents(mask, shape, full ? 8 : 4).count
    return [components, components - euler]
  }
  const components = labelComponents(mask, shape, full ? 26 : 6).count
  const cavities = labelComponents(...framedComplement(mask, shape), full ? 6 : 26).count - 1
  return [components, components + cavities - euler, cavities]
}

/** The background with a frame of background, and its shape. */
function framedComplement(mask: Mask, shape: readonly number[]): [Uint8Array, number[]] {
  const { depth, height, width } = gridOf(shape)
  const framed = new Uint8Array((depth + 2) * (height + 2) * (width + 2)).fill(1)
  for (let z = 0, i = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const row = ((z + 1) * (height + 2) + y + 1) * (width + 2) + 1
      for (let x = 0; x < width; x++, i++) if (mask[i] !== 0) framed[row + x] = 0
    }
  }
  return [framed, [depth + 2, height + 2, width + 2]]
}

/**
 * Betti number errors of a whole image: |b_k(prediction) - b_k(reference)| for each dimension. 0 does not mean equal
 * topology: two disjoint rings have the same numbers. Needs no rule for empty masks.
 * @returns [e0, e1] or [e0, e1, e2].
 */
export function bettiErrors(
  prediction: Mask,
  reference: Mask,
  shape: readonly number[],
  foreground: ForegroundConnectivity = 'full',
): number[] {
  const expected = bettiNumbers(reference, shape, foreground)
  return bettiNumbers(prediction, shape, foreground).map((value, k) => Math.abs(value - expected[k]!))
}

/**
 * Betti number errors averaged over windows (Hu et al. 2019 draw them at random; here they stand on a grid, the last ones
 * of a row or column are smaller where the image ends).
 * @param options `size` of the square windows, default 64, and `stride` between them, default `size`.
 * @returns [e0, e1], means over all windows. @throws SeptumError `metric-shape` also for a volume.
 */
export function patchBettiErrors(
  prediction: Mask,
  reference: Mask,
  [height, width]: readonly [number, number],
  options: { size?: number; stride?: number; foreground?: ForegroundConnectivity } = {},
): [number, number] {
  const { size = 64, stride = size, foreground = 'full' } = options
  const { pixels } = gridOf([height, width])
  checkLength(prediction, pixels, 'prediction')
  checkLength(reference, pixels, 'reference')
  const sums: [number, number] = [0, 0]
  const rows = starts(height, size, stride)
  const columns = starts(width, size, stride)
  for (const top of rows) {
    for (const left of columns) {
      const shape = [Math.min(size, height - top), Math.min(size, width - left)] as const
      const [a, b] = [prediction, reference].map((mask) => window(mask, width, top, left, shape))
      const [components, holes] = bettiErrors(a!, b!, shape, foreground)
      sums[0] += components!
      sums[1] += holes!
    }
  }
  const count = rows.length * columns.length
  return [sums[0] / count, sums[1] / count]
}

/** Where windows begin along an axis: until one reaches its end. */
function starts(length: number, size: number, stride: number): number[] {
  const found = [0]
  while (found.at(-1)! + size < length) found.push(found.at(-1)! + stride)
  return found
}

function window(
  mask: Mask,
  width: number,
  top: number,
  left: number,
  [rows, columns]: readonly [number, number],
) {
  const part = new Uint8Array(rows * columns)
  for (let y = 0; y < rows; y++) {
    const from = (top + y) * width + left
    part.set(mask.subarray(from, from + columns), y * columns)
  }
  return part
}
