import { labelComponents } from '../../topology/components.js'
import type { Mask } from '../catalogue.js'
import { checkLength, gridOf } from '../grid.js'
import type { ForegroundConnectivity } from './betti-numbers.js'

/**
 * Discrepancy between intersection and union (Topograph; Lux, Berger et al. 2025): how many features the inclusion of the
 * intersection into the union creates, merges or loses, in dimensions 0 and 1. For the foreground it is the number of
 * components of the intersection plus that of the union, minus twice the union components that contain one of the
 * intersection; the background, padded by one pixel, is counted in the same way with the dual connectivity. 0 only when
 * both masks have the same topology in the same places; needs no rule for empty masks.
 *
 * This is the count on plain pixels: the authors' program also thickens diagonal contacts.
 * @param shape [height, width]. @throws SeptumError `metric-shape`.
 */
export function intersectionUnionDiscrepancy(
  prediction: Mask,
  reference: Mask,
  shape: readonly [number, number],
  foreground: ForegroundConnectivity = 'full',
): number {
  const { height, width, pixels } = gridOf(shape)
  checkLength(prediction, pixels, 'prediction')
  checkLength(reference, pixels, 'reference')
  const padded = [height + 2, width + 2]
  const both = new Uint8Array(padded[0]! * padded[1]!)
  const either = new Uint8Array(both.length)
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      const at = (y + 1) * (width + 2) + x + 1
      const [a, b] = [prediction[i] !== 0, reference[i] !== 0]
      both[at] = a && b ? 1 : 0
      either[at] = a || b ? 1 : 0
    }
  }
  const full = foreground === 'full'
  const inverted = (mask: Uint8Array) => mask.map((value) => 1 - value)
  return (
    unshared(both, either, padded, full ? 8 : 4) +
    unshared(inverted(either), inverted(both), padded, full ? 4 : 8)
  )
}

/** Components of the smaller mask and of the larger around it, minus twice the larger ones that hold a smaller one. */
function unshared(
  inner: Uint8Array,
  outer: Uint8Array,
  shape: readonly number[],
  connectivity: 4 | 8,
): number {
  const inside = labelComponents(inner, shape, connectivity)
  const around = labelComponents(outer, shape, connectivity)
  const holds = new Uint8Array(around.count + 1)
  for (let i = 0; i < inner.length; i++) if (inner[i] !== 0) holds[around.labels[i]!] = 1
  const reached = holds.reduce((sum, value) => sum + value, 0)
  return inside.count + around.count - 2 * reached
}
