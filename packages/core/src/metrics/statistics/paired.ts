import { SeptumError } from '../../error.js'
import { type BootstrapOptions, bootstrapMean } from '../bootstrap.js'
import { type WilcoxonResult, wilcoxonSignedRank } from './wilcoxon.js'

/** Two methods on the same cases. */
export interface PairedComparison {
  /** Cases in which both have a finite value. */
  readonly cases: number
  /** Mean of a - b over them. */
  readonly difference: number
  /** Paired bootstrap interval of it, groups resampled; null with one group. */
  readonly interval: readonly [low: number, high: number] | null
  /** Cases in which a is larger, smaller, equal. */
  readonly larger: number
  readonly smaller: number
  readonly equal: number
  readonly wilcoxon: WilcoxonResult
}

/**
 * Compares two methods case by case: mean difference with a paired bootstrap interval, and the signed-rank
 * test of the differences.
 * @param a, b score of each case; NaN or infinite in either leaves the case out.
 * @throws SeptumError `paired-size` for lists of different length.
 */
export function comparePaired(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  groups: ArrayLike<string | number>,
  options: BootstrapOptions = {},
): PairedComparison {
  if (a.length !== b.length || a.length !== groups.length) {
    throw new SeptumError(
      'paired-size',
      `${a.length} and ${b.length} scores of ${groups.length} cases cannot be paired`,
      'Give a score of each method and a group for every case, in one order.',
    )
  }
  const kept = Array.from(a, (_, i) => i).filter((i) => Number.isFinite(a[i]!) && Number.isFinite(b[i]!))
  const differences = kept.map((i) => a[i]! - b[i]!)
  const own = kept.map((i) => groups[i]!)
  const { mean, low, high } = bootstrapMean(differences, own, options)
  return {
    cases: kept.length,
    difference: mean,
    interval: new Set(own).size > 1 ? [low, high] : null,
    larger: differences.filter((value) => value > 0).length,
    smaller: differences.filter((value) => value < 0).length,
    equal: differences.filter((value) => value === 0).length,
    wilcoxon: wilcoxonSignedRank(differences),
  }
}
