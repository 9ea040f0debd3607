import { SeptumError } from '../../error.js'
import { Random } from '../../random.js'
import type { BootstrapOptions } from '../bootstrap.js'
import { quantile } from '../summary.js'

/**
 * How often each case is drawn in each bootstrap resample: whole groups (patients) are drawn with
 * replacement, as many as there are. One array is reused: copy what you keep.
 * @param groups group of each case.
 * @throws SeptumError `bootstrap-options`.
 */
export function* resampleWeights(
  groups: ArrayLike<string | number>,
  { resamples = 2000, seed = 0 }: BootstrapOptions = {},
): Generator<Float64Array> {
  if (!Number.isInteger(resamples) || resamples < 1) {
    throw new SeptumError(
      'bootstrap-options',
      `${resamples} resamples make no interval`,
      'Give a positive whole number of resamples.',
    )
  }
  const numbers = new Map<string | number, number>()
  const groupOf = Array.from(groups, (group) => {
    if (!numbers.has(group)) numbers.set(group, numbers.size)
    return numbers.get(group)!
  })
  const random = new Random(seed)
  const drawn = new Float64Array(numbers.size)
  const weights = new Float64Array(groupOf.length)
  for (let i = 0; i < (numbers.size ? resamples : 0); i++) {
    drawn.fill(0)
    for (let draw = 0; draw < numbers.size; draw++) drawn[random.int(numbers.size)]!++
    for (let c = 0; c < weights.length; c++) weights[c] = drawn[groupOf[c]!]!
    yield weights
  }
}

/**
 * Percentile bootstrap interval of any statistic of weighted cases, for what is no plain mean: the maximum
 * of a mean curve, the difference of two such.
 * @param statistic of the weights of the cases (how often each was drawn); NaN leaves a resample out.
 */
export function bootstrapStatistic(
  groups: ArrayLike<string | number>,
  statistic: (weights: Float64Array) => number,
  options: BootstrapOptions = {},
): { readonly low: number; readonly high: number } {
  const { level = 0.95 } = options
  const values: number[] = []
  for (const weights of resampleWeights(groups, options)) {
    const value = statistic(weights)
    if (!Number.isNaN(value)) values.push(value)
  }
  const sorted = Float64Array.from(values).sort()
  return { low: quantile(sorted, (1 - level) / 2), high: quantile(sorted, (1 + level) / 2) }
}

/** Weighted mean of the values that are not NaN; NaN without any. */
export function weightedMean(values: ArrayLike<number>, weights: ArrayLike<number>): number {
  let sum = 0
  let total = 0
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i]!) || weights[i] === 0) continue
    sum += weights[i]! * values[i]!
    total += weights[i]!
  }
  return sum / total
}
