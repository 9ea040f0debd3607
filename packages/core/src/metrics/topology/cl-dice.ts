import { skeletonize2d } from '../../topology/skeleton-2d.js'
import { skeletonize3d } from '../../topology/skeleton-3d.js'
import type { Mask } from '../catalogue.js'
import { checkLength, countMarked, gridOf } from '../grid.js'

export interface ClDice {
  /** Harmonic mean of the two shares. */
  readonly clDice: number
  /** Share of the prediction's skeleton that lies in the reference. */
  readonly precision: number
  /** Share of the reference's skeleton that lies in the prediction. */
  readonly sensitivity: number
}

/**
 * Centreline Dice (Shit et al. 2021), in [0, 1]. Skeletons are those of scikit-image: Zhang and Suen in the plane, Lee in
 * volumes; another thinning moves the value by up to 0.02. Both masks empty 1; one empty, or no skeleton pixel in the
 * other mask on both sides, 0. A mask whose skeleton vanishes is its own skeleton.
 * @param shape [height, width] or [depth, height, width]. @throws SeptumError `metric-shape`.
 */
export function clDice(prediction: Mask, reference: Mask, shape: readonly number[]): ClDice {
  const { dimensions, pixels } = gridOf(shape)
  checkLength(prediction, pixels, 'prediction')
  checkLength(reference, pixels, 'reference')
  const marked = [countMarked(prediction), countMarked(reference)]
  if (marked[0] === 0 || marked[1] === 0) {
    const value = marked[0] === marked[1] ? 1 : 0
    return { clDice: value, precision: value, sensitivity: value }
  }
  const thin = dimensions === 2 ? skeletonize2d : skeletonize3d
  const precision = shareInside(thin(prediction, shape), prediction, reference)
  const sensitivity = shareInside(thin(reference, shape), reference, prediction)
  const sum = precision + sensitivity
  return { clDice: sum === 0 ? 0 : (2 * precision * sensitivity) / sum, precision, sensitivity }
}

function shareInside(skeleton: Uint8Array, own: Mask, other: Mask): number {
  const line = skeleton.includes(1) ? skeleton : own
  let length = 0
  let inside = 0
  for (let i = 0; i < line.length; i++) {
    if (line[i] === 0) continue
    length++
    if (other[i] !== 0) inside++
  }
  return inside / length
}
