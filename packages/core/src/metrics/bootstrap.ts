import { SeptumError } from '../error.js'
import { Random } from '../random.js'
import { quantile } from './summary.js'

export interface BootstrapOptions {
  /** Default 2,000. */
  readonly resamples?: number
  /** Default 0. */
  readonly seed?: number
  /** Coverage of the interval, default 0.95. */
  readonly level?: number
}

export interface Interval {
  /** Mean of the defined values. */
  readonly mean: number
  readonly low: number
  readonly high: number
}

/**
 * Percentile bootstrap interval of a mean over cases, resampled by group: whole patients are drawn with
 * replacement, because slices of one patient are alike. Undefined (NaN) values are left out. To compare
 * two models on the same cases, give the differences of their scores.
 * @param values score of each case. @param groups group (patient) of each case, in the same order.
 * @returns NaN bounds when no value is defined.
 * @throws SeptumError `bootstrap-size` or `bootstrap-options`.
 */
export function bootstrapMean(
  values: ArrayLike<number>,
  groups: ArrayLike<string | number>,
  options: BootstrapOptions = {},
): Interval {
  const { resamples = 2000, seed = 0, level = 0.95 } = options
  if (values.length !== groups.length) {
    throw new SeptumError(
      'bootstrap-size',
      `${values.length} values come with ${groups.length} groups`,
      'Name the patient of each case, in the order of the values.',
    )
  }
  if (!Number.isInteger(resamples) || resamples < 1 || !(level > 0 && level < 1)) {
    throw new SeptumError(
      'bootstrap-options',
      `${resamples} resamples at level ${level} make no interval`,
      'Give a positive whole number of resamples and a level between 0 and 1.',
    )
  }
  const totals = [...groupTotals(values, groups).values()]
  const random = new Random(seed)
  const means = new Float64Array(totals.length ? resamples : 0)
  for (let i = 0; i < means.length; i++) {
    let sum = 0
    let count = 0
    for (let draw = 0; draw < totals.length; draw++) {
      const group = totals[random.int(totals.length)]!
      sum += group.sum
      count += group.count
    }
    means[i] = sum / count
  }
  means.sort()
  const sum = totals.reduce((total, group) => total + group.sum, 0)
  const count = totals.reduce((total, group) => total + group.count, 0)
  return {
    mean: sum / count,
    low: quantile(means, (1 - level) / 2),
    high: quantile(means, (1 + level) / 2),
  }
}

/** Sum and number of the defined values of each group that has any, in order of first appearance. */
function groupTotals(values: ArrayLike<number>, groups: ArrayLike<string | number>) {
  const totals = new Map<string | number, { sum: number; count: number }>()
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    if (Number.isNaN(value)) continue
    const total = totals.get(groups[i]!) ?? { sum: 0, count: 0 }
    total.sum += value
    total.count += 1
    totals.set(groups[i]!, total)
  }
  return totals
}
