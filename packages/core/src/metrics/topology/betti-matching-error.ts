import { type BettiMatching, bettiMatching, type FeatureMatches } from '../../topology/betti-matching.js'
import { labelComponents } from '../../topology/components.js'
import type { GreyMap } from '../../topology/pixel-order.js'
import type { Mask } from '../catalogue.js'
import { checkLength, gridOf } from '../grid.js'

export interface BettiMatchingError {
  /** components + holes. */
  readonly error: number
  readonly components: number
  readonly holes: number
}

/**
 * Betti matching error (Stucki et al. 2023) of two probability maps or masks in [0, 1], large where the object is:
 * 2 ((a0 - a1)^2 + (b0 - b1)^2) for each pair of matched intervals, (a - b)^2 for each one without partner; the component
 * that never dies ends at 0. Foreground 4-connected, holes 8-connected, union filtration; the numbers are those of the
 * authors' `BettiMatching(P, L, filtration='superlevel').loss()`.
 *
 * On two non-empty masks matched intervals cost nothing, and the error counts the unmatched ones of both. With one mask
 * empty the two undying components still match, at a cost of 2. Both empty: 0. Two objects that do not touch each other
 * at all are matched when each is the only one of its image: `componentMatchingError` sees that.
 * @param frame adds a frame of foreground first, the authors' `relative`: background that reaches the border then
 * counts as holes.
 * @throws SeptumError `metric-shape`, `topology-shape`, `topology-values`.
 */
export function bettiMatchingError(
  prediction: GreyMap,
  reference: GreyMap,
  shape: readonly number[],
  { frame = false }: { frame?: boolean } = {},
): BettiMatchingError {
  if (frame) {
    const wide = shape.map((size) => size + 2)
    return bettiMatchingError(framed(prediction, shape), framed(reference, shape), wide)
  }
  const matching = bettiMatching(prediction, reference, shape, 'superlevel')
  return costs(matching, prediction, reference)
}

/** The cost of a matching; see `bettiMatchingError`. */
function costs(matching: BettiMatching, prediction: GreyMap, reference: GreyMap): BettiMatchingError {
  const part = ({ matched, onlyFirst, onlySecond }: FeatureMatches) => {
    let sum = 0
    for (let i = 0; i < matched.length; i += 4) {
      const birth = at(prediction, matched[i]!) - at(reference, matched[i + 2]!)
      const death = at(prediction, matched[i + 1]!) - at(reference, matched[i + 3]!)
      sum += 2 * (birth * birth + death * death)
    }
    return sum + squaredLengths(onlyFirst, prediction) + squaredLengths(onlySecond, reference)
  }
  const components = part(matching.components)
  const holes = part(matching.holes)
  return { error: components + holes, components, holes }
}

function squaredLengths(intervals: Int32Array, values: GreyMap): number {
  let sum = 0
  for (let i = 0; i < intervals.length; i += 2) {
    sum += (at(values, intervals[i]!) - at(values, intervals[i + 1]!)) ** 2
  }
  return sum
}

/** Value of a pixel; -1 is the end of what never dies. */
const at = (values: GreyMap, pixel: number): number => (pixel < 0 ? 0 : values[pixel]!)

function framed(values: GreyMap, shape: readonly number[]): Float64Array {
  const { height, width, pixels } = gridOf(shape)
  checkLength(values, pixels, 'map')
  let largest = values[0]!
  for (let i = 1; i < pixels; i++) if (values[i]! > largest) largest = values[i]!
  const wide = new Float64Array((height + 2) * (width + 2)).fill(largest)
  for (let y = 0; y < height; y++)
    wide.set(values.subarray(y * width, (y + 1) * width), (y + 1) * (width + 2) + 1)
  return wide
}

/**
 * Component matching error: b0(prediction) + b0(reference) - 2 K, K the number of components of the union that contain a
 * component of both. It replaces Betti matching's dimension 0 by a count that no order of ties can change.
 * 4-connected like Betti matching. Needs no rule for empty masks. @throws SeptumError `metric-shape`.
 */
export function componentMatchingError(prediction: Mask, reference: Mask, shape: readonly number[]): number {
  checkLength(prediction, reference.length, 'prediction')
  const union = prediction.map((value, i) => (value !== 0 || reference[i] !== 0 ? 1 : 0))
  const { labels, count } = labelComponents(union, shape, 4)
  const sides = new Uint8Array(count + 1)
  for (let i = 0; i < labels.length; i++) {
    if (prediction[i] !== 0) sides[labels[i]!]! |= 1
    if (reference[i] !== 0) sides[labels[i]!]! |= 2
  }
  let shared = 0
  for (let label = 1; label <= count; label++) if (sides[label] === 3) shared++
  const components = (mask: Mask) => labelComponents(mask, shape, 4).count
  return components(prediction) + components(reference) - 2 * shared
}
