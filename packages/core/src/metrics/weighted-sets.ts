import { SeptumError } from '../error.js'
import type { BitMask } from './bit-mask.js'
import { type EmptyRule, iou } from './overlap.js'
import { normalisedWeights, transportCost } from './transport.js'

/** Set scores whose samples and raters do not all count the same. */
export interface WeightedSetScores {
  /** Squared generalised energy distance with weights, 0 (best) to 2. */
  readonly ged: number
  readonly cross: number
  readonly sampleDiversity: number
  readonly raterDiversity: number
  /** Mean IoU under the optimal transport of the weights: HM-IoU where all weights are equal. */
  readonly transportIou: number
}

/**
 * GED and matched IoU of weighted samples against weighted raters (MoSE, Gao et al. 2023): a mask with weight
 * 2 counts as two equal masks.
 * @param sampleWeights, raterWeights not negative, one a mask; scaled to sum 1.
 * @param bothEmpty IoU of two empty masks, default `perfect`.
 * @throws SeptumError `transport-masses`, `weights-number`, `mask-size`.
 */
export function weightedSetScores(
  samples: readonly BitMask[],
  raters: readonly BitMask[],
  sampleWeights: readonly number[],
  raterWeights: readonly number[],
  bothEmpty: Exclude<EmptyRule, 'undefined'> = 'perfect',
): WeightedSetScores {
  if (samples.length !== sampleWeights.length || raters.length !== raterWeights.length) {
    throw new SeptumError(
      'weights-number',
      `${samples.length} and ${raters.length} masks come with ${sampleWeights.length} and ${raterWeights.length} weights`,
      'Give one weight for each sample and for each rater.',
    )
  }
  const distances = (a: readonly BitMask[], b: readonly BitMask[]) =>
    a.flatMap((first) => b.map((second) => 1 - iou(first, second, bothEmpty)))
  const w = normalisedWeights(sampleWeights)
  const v = normalisedWeights(raterWeights)
  const between = distances(samples, raters)
  const cross = weightedSum(between, w, v)
  const sampleDiversity = weightedSum(distances(samples, samples), w, w)
  const raterDiversity = weightedSum(distances(raters, raters), v, v)
  return {
    ged: 2 * cross - sampleDiversity - raterDiversity,
    cross,
    sampleDiversity,
    raterDiversity,
    transportIou: 1 - transportCost(between, sampleWeights, raterWeights),
  }
}

function weightedSum(table: readonly number[], rows: Float64Array, columns: Float64Array): number {
  let sum = 0
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < columns.length; j++) sum += rows[i]! * columns[j]! * table[i * columns.length + j]!
  }
  return sum
}
