import { SeptumError } from '../../error.js'
import { normalTail } from './normal.js'
import { averageRanks, tieSizes } from './ranks.js'

export interface WilcoxonOptions {
  /** Differences of 0: `wilcox` leaves them out, `pratt` ranks them with the others first. Default `wilcox`. */
  readonly zeros?: 'wilcox' | 'pratt'
  /**
   * `exact`: all 2^n signs of the ranks as they are, ties included (a permutation test; equal to SciPy's
   * `exact` where nothing ties). `normal`: SciPy's `approx`, variance corrected for ties, no continuity
   * correction. Default `auto`: exact up to 50 differences that are not 0, where `zeros` is `wilcox`.
   */
  readonly method?: 'auto' | 'exact' | 'normal'
}

export interface WilcoxonResult {
  /** The smaller of the two rank sums. */
  readonly statistic: number
  /** Two-sided. 1 where no difference is left. */
  readonly p: number
  /** Differences that were ranked and are not 0. */
  readonly count: number
  /** Differences of 0. */
  readonly zeros: number
  readonly method: 'exact' | 'normal'
}

/** Up to here 2^n subsets are whole numbers that a double holds. */
const MOST_EXACT = 50

/**
 * Wilcoxon's signed-rank test of paired scores: are the differences symmetric around 0?
 * @param differences one a case, finite.
 * @throws SeptumError `wilcoxon-values` for NaN or infinities, `wilcoxon-exact` for more than 50 differences.
 */
export function wilcoxonSignedRank(
  differences: ArrayLike<number>,
  options: WilcoxonOptions = {},
): WilcoxonResult {
  const { zeros = 'wilcox', method = 'auto' } = options
  const all = Array.from(differences)
  if (!all.every(Number.isFinite)) {
    throw new SeptumError(
      'wilcoxon-values',
      'A signed-rank test was asked for differences that are not finite',
      'Leave out cases in which one of the two has no value.',
    )
  }
  const zeroCount = all.filter((value) => value === 0).length
  const ranked = zeros === 'pratt' ? all : all.filter((value) => value !== 0)
  const ranks = averageRanks(ranked.map(Math.abs))
  const signed = ranked.flatMap((value, i) => (value === 0 ? [] : [{ rank: ranks[i]!, up: value > 0 }]))
  const count = signed.length
  const up = signed.reduce((sum, { rank, up }) => sum + (up ? rank : 0), 0)
  const down = signed.reduce((sum, { rank, up }) => sum + (up ? 0 : rank), 0)
  const statistic = Math.min(up, down)
  const used =
    method !== 'auto'
      ? method
      : count <= MOST_EXACT && (zeros === 'wilcox' || !zeroCount)
        ? 'exact'
        : 'normal'
  const result = { statistic, count, zeros: zeroCount, method: used }
  if (count === 0) return { ...result, p: 1 }
  const own = signed.map(({ rank }) => rank)
  if (used === 'exact') return { ...result, p: exactP(own, statistic) }
  return { ...result, p: normalP(own, statistic, zeros === 'pratt' ? zeroCount : 0) }
}

/** Share of all signs whose positive rank sum is at most the statistic, twice. */
function exactP(ranks: readonly number[], statistic: number): number {
  if (ranks.length > MOST_EXACT) {
    throw new SeptumError(
      'wilcoxon-exact',
      `The exact signed-rank test takes at most ${MOST_EXACT} differences, not ${ranks.length}`,
      'Use the normal approximation.',
    )
  }
  // Shared ranks are halves: doubled, every sum is a whole number and can be counted.
  const doubled = ranks.map((rank) => Math.round(2 * rank))
  const ways = new Float64Array(doubled.reduce((sum, rank) => sum + rank, 0) + 1)
  ways[0] = 1
  let reach = 0
  for (const rank of doubled) {
    reach += rank
    for (let sum = reach; sum >= rank; sum--) ways[sum]! += ways[sum - rank]!
  }
  let below = 0
  for (let sum = 0; sum <= Math.round(2 * statistic); sum++) below += ways[sum]!
  return Math.min(1, (2 * below) / 2 ** ranks.length)
}

function normalP(ranks: readonly number[], statistic: number, rankedZeros: number): number {
  const n = ranks.length + rankedZeros
  const mean = (n * (n + 1) - rankedZeros * (rankedZeros + 1)) / 4
  const full = n * (n + 1) * (2 * n + 1) - rankedZeros * (rankedZeros + 1) * (2 * rankedZeros + 1)
  const ties = tieSizes(ranks).reduce((sum, size) => sum + (size * (size * size - 1)) / 2, 0)
  const deviation = Math.sqrt((full - ties) / 24)
  return Math.min(1, 2 * normalTail(Math.abs((statistic - mean) / deviation)))
}
