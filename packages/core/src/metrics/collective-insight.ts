import { type BitMask, countBoth } from './bit-mask.js'
import { dice, diceFromCounts } from './overlap.js'
import { countVotes, votedMask } from './votes.js'

/** Collective insight of a set of samples (CIMD, Rahman et al., CVPR 2023) and its three parts. */
export interface CollectiveInsight {
  /** 3abc / (a + b + c) as printed in the paper; no harmonic mean: three equal parts x give x^2. */
  readonly ci: number
  /** The harmonic mean 3abc / (ab + bc + ca) that the text calls it; 0 where a part is 0. */
  readonly ciHarmonic: number
  /** a: share of the raters' union that the samples' union covers. Both unions empty: 1; raters' alone: 0. */
  readonly combinedSensitivity: number
  /** b: mean over raters of the best sample's Dice. */
  readonly dMax: number
  /** c: 1 - mean difference of the largest and smallest distance (1 - Dice) inside either set. */
  readonly diversityAgreement: number
}

/**
 * The paper leaves the "variance" of a pair open; 1 - Dice is taken, as its public re-implementation does.
 * Sets of one mask have no pair: their diversity is 0. Overlaps of two empty masks are 1.
 * @throws SeptumError `mask-none` for an empty set, `mask-size` for unequal sizes.
 */
export function collectiveInsight(
  samples: readonly BitMask[],
  raters: readonly BitMask[],
): CollectiveInsight {
  const sampleUnion = votedMask(countVotes(samples), 0)
  const raterUnion = votedMask(countVotes(raters), 0)
  const both = countBoth(sampleUnion, raterUnion)
  const combinedSensitivity =
    raterUnion.count > 0 ? both / raterUnion.count : diceFromCounts(0, sampleUnion.count, 0)
  let best = 0
  for (const rater of raters) best += Math.max(...samples.map((sample) => dice(sample, rater)))
  const dMax = best / raters.length
  const predicted = distanceRange(samples)
  const observed = distanceRange(raters)
  const diversityAgreement =
    1 - (Math.abs(observed.max - predicted.max) + Math.abs(observed.min - predicted.min)) / 2
  const [a, b, c] = [combinedSensitivity, dMax, diversityAgreement]
  const product = 3 * a * b * c
  return {
    ci: product === 0 ? 0 : product / (a + b + c),
    ciHarmonic: product === 0 ? 0 : product / (a * b + b * c + c * a),
    combinedSensitivity,
    dMax,
    diversityAgreement,
  }
}

function distanceRange(masks: readonly BitMask[]): { min: number; max: number } {
  if (masks.length < 2) return { min: 0, max: 0 }
  let min = Infinity
  let max = -Infinity
  for (let i = 1; i < masks.length; i++) {
    for (let j = 0; j < i; j++) {
      const distance = 1 - dice(masks[i]!, masks[j]!)
      min = Math.min(min, distance)
      max = Math.max(max, distance)
    }
  }
  return { min, max }
}
