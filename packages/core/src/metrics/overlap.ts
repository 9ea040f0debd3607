import { type BitMask, countBoth } from './bit-mask.js'

/**
 * What the overlap of two empty masks is: `perfect` 1 (the default everywhere), `zero` 0 (D-Persona's
 * GED, plain saliency tools), `undefined` NaN (to be skipped and counted, MONAI's ignore_empty).
 * One empty mask against a non-empty one is 0 under each rule.
 */
export type EmptyRule = 'perfect' | 'zero' | 'undefined'

/** Intersection over union, |A and B| / |A or B|, in [0, 1]. @throws SeptumError `mask-size`. */
export function iou(a: BitMask, b: BitMask, bothEmpty: EmptyRule = 'perfect'): number {
  return iouFromCounts(countBoth(a, b), a.count, b.count, bothEmpty)
}

/** Dice coefficient, 2 |A and B| / (|A| + |B|), in [0, 1]. @throws SeptumError `mask-size`. */
export function dice(a: BitMask, b: BitMask, bothEmpty: EmptyRule = 'perfect'): number {
  return diceFromCounts(countBoth(a, b), a.count, b.count, bothEmpty)
}

/** `iou` where the pixel counts are known: both, first mask, second mask. */
export function iouFromCounts(both: number, a: number, b: number, bothEmpty: EmptyRule = 'perfect'): number {
  return a + b === 0 ? emptyScore(bothEmpty) : both / (a + b - both)
}

/** `dice` where the pixel counts are known: both, first mask, second mask. */
export function diceFromCounts(both: number, a: number, b: number, bothEmpty: EmptyRule = 'perfect'): number {
  return a + b === 0 ? emptyScore(bothEmpty) : (2 * both) / (a + b)
}

function emptyScore(rule: EmptyRule): number {
  return rule === 'perfect' ? 1 : rule === 'zero' ? 0 : Number.NaN
}
