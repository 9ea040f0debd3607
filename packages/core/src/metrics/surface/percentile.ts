import { quantile } from '../summary.js'

/** @returns the values ascending; the argument is not changed. */
export function ascending(values: Float64Array): Float64Array {
  return Float64Array.from(values).sort()
}

/** Percentile with linear interpolation (NumPy's default). @param sorted ascending. @param percent 0 to 100. */
export function percentile(sorted: Float64Array, percent: number): number {
  return quantile(sorted, percent / 100)
}

/**
 * Percentile of weighted values without interpolation: the first value, in ascending order, at which the
 * summed weight reaches the share (DeepMind's surface-distance). Quickselect, linear time.
 * @param percent above 0; 100 is the maximum. @returns NaN for no value.
 */
export function weightedPercentile(values: Float64Array, weights: Float64Array, percent: number): number {
  if (values.length === 0) return Number.NaN
  const order = Float64Array.from(values)
  const weight = Float64Array.from(weights)
  let wanted = (percent / 100) * sum(weight)
  let low = 0
  let high = order.length - 1
  while (low < high) {
    const pivot = order[(low + high) >> 1]!
    let below = low
    let above = high
    let at = low
    // Three ways, because distances on a grid repeat: [low, below) < pivot = [below, above] < (above, high].
    while (at <= above) {
      if (order[at]! < pivot) swap(order, weight, at++, below++)
      else if (order[at]! > pivot) swap(order, weight, at, above--)
      else at++
    }
    let smaller = 0
    for (let i = low; i < below; i++) smaller += weight[i]!
    let equal = 0
    for (let i = below; i <= above; i++) equal += weight[i]!
    if (percent < 100 && wanted <= smaller) high = below - 1
    else if ((percent < 100 && wanted <= smaller + equal) || above === high) return pivot
    else {
      wanted -= smaller + equal
      low = above + 1
    }
  }
  return order[low]!
}

function swap(values: Float64Array, weights: Float64Array, i: number, j: number): void {
  const value = values[i]!
  values[i] = values[j]!
  values[j] = value
  const weight = weights[i]!
  weights[i] = weights[j]!
  weights[j] = weight
}

function sum(values: Float64Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]!
  return total
}
