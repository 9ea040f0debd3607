import { quantile } from '../summary.js'

/** What a box plot draws. Every number is NaN for an empty list. */
export interface BoxStatistics {
  readonly q1: number
  readonly median: number
  readonly q3: number
  /** Smallest and largest value within 1.5 box lengths of the box (Tukey). */
  readonly low: number
  readonly high: number
  /** Indices in the list given of the values beyond, in its order. */
  readonly outliers: readonly number[]
}

/** Box, whiskers and outliers; NaN and infinite values are left out. Quartiles interpolate (NumPy's default). */
export function boxStatistics(values: ArrayLike<number>): BoxStatistics {
  const sorted = Float64Array.from(Array.from(values).filter(Number.isFinite)).sort()
  const [q1, median, q3] = [0.25, 0.5, 0.75].map((share) => quantile(sorted, share)) as [
    number,
    number,
    number,
  ]
  const reach = 1.5 * (q3 - q1)
  const inside = sorted.filter((value) => value >= q1 - reach && value <= q3 + reach)
  const outliers = Array.from(values).flatMap((value, i) =>
    Number.isFinite(value) && (value < q1 - reach || value > q3 + reach) ? [i] : [],
  )
  // A quartile is interpolated: with few values none may lie between it and its fence.
  const low = Math.min(q1, inside[0] ?? Number.NaN)
  const high = Math.max(q3, inside.at(-1) ?? Number.NaN)
  return { q1, median, q3, low, high, outliers }
}
