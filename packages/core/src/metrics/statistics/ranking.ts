import { SeptumError } from '../../error.js'
import type { BootstrapOptions } from '../bootstrap.js'
import { quantile } from '../summary.js'
import { averageRanks, kendallTau } from './ranks.js'
import { resampleWeights, weightedMean } from './resample.js'

export interface Ranking {
  /** Cases in which every method has a finite value: only these are ranked. */
  readonly cases: number
  /** Rank of each method by its mean, 1 the best; equal means share a rank. */
  readonly ranks: readonly number[]
  /** [method][rank - 1]: share of the resamples in which it took that rank (shared ranks are divided). */
  readonly shares: readonly (readonly number[])[]
  /** 95 % interval of each method's rank over the resamples. */
  readonly intervals: readonly (readonly [low: number, high: number])[]
  /** Mean Kendall tau-b between the ranking and those of the resamples: 1 never changes. */
  readonly stability: number
}

/**
 * Ranks methods by their mean score and asks how firm the ranking is: it is repeated on bootstrap resamples
 * of the cases, whole groups drawn (Maier-Hein 2018, Wiesenfarth 2021: "aggregate then rank").
 * @param scores [method][case]. @param groups of each case.
 * @throws SeptumError `ranking-size` for fewer than two methods or unequal lists.
 */
export function rankMethods(
  scores: readonly ArrayLike<number>[],
  groups: ArrayLike<string | number>,
  better: 'higher' | 'lower',
  options: BootstrapOptions = {},
): Ranking {
  if (scores.length < 2 || scores.some((list) => list.length !== groups.length)) {
    throw new SeptumError(
      'ranking-size',
      `A ranking of ${scores.length} methods on ${groups.length} cases cannot be made of these lists`,
      'Give at least two methods, each with a score of every case.',
    )
  }
  const kept = Array.from(groups, (_, i) => i).filter((i) =>
    scores.every((list) => Number.isFinite(list[i]!)),
  )
  const paired = scores.map((list) => Float64Array.from(kept, (i) => list[i]!))
  const own = kept.map((i) => groups[i]!)
  const ranksOf = (weights: ArrayLike<number>) =>
    averageRanks(paired.map((list) => (better === 'higher' ? -1 : 1) * weightedMean(list, weights)))
  const all = scores.length
  if (kept.length === 0) {
    const none = scores.map(() => Number.NaN)
    const [shares, intervals] = [scores.map(() => none), scores.map(() => [Number.NaN, Number.NaN] as const)]
    return { cases: 0, ranks: none, shares, intervals, stability: Number.NaN }
  }
  const ranks = ranksOf(new Float64Array(kept.length).fill(1))
  const shares = scores.map(() => new Float64Array(all))
  const drawn: Float64Array[] = []
  let agreement = 0
  let comparable = 0
  for (const weights of resampleWeights(own, options)) {
    const resampled = ranksOf(weights)
    drawn.push(resampled)
    const tau = kendallTau(ranks, resampled)
    if (!Number.isNaN(tau)) {
      agreement += tau
      comparable++
    }
    resampled.forEach((rank, method) => {
      // k methods that share a rank hold k places with equal right.
      const tied = resampled.filter((other) => other === rank).length
      const first = Math.round(rank - (tied - 1) / 2)
      for (let place = 0; place < tied; place++) shares[method]![first - 1 + place]! += 1 / tied
    })
  }
  const { level = 0.95 } = options
  return {
    cases: kept.length,
    ranks: [...ranks],
    shares: shares.map((list) => Array.from(list, (count) => count / drawn.length)),
    intervals: scores.map((_, method) => {
      const sorted = Float64Array.from(drawn, (list) => list[method]!).sort()
      return [quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2)] as const
    }),
    stability: agreement / comparable,
  }
}
