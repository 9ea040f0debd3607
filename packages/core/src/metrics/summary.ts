/** Statistics of a score over cases; values that are NaN are left out and counted. */
export interface Summary {
  /** Cases with a value. */
  readonly count: number
  /** Cases without one (NaN), e.g. a surface distance to an empty mask. */
  readonly undefinedCount: number
  readonly mean: number
  /** Standard deviation with divisor count - 1; NaN below two values. */
  readonly sd: number
  /** sd / sqrt(count). */
  readonly standardError: number
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Summarises one score of many cases. Every statistic of an empty list is NaN. */
export function summarise(values: ArrayLike<number>): Summary {
  const defined = Float64Array.from(Array.from(values).filter((value) => !Number.isNaN(value))).sort()
  const count = defined.length
  const mean = count ? defined.reduce((sum, value) => sum + value, 0) / count : Number.NaN
  const squares = defined.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const sd = count > 1 ? Math.sqrt(squares / (count - 1)) : Number.NaN
  return {
    count,
    undefinedCount: values.length - count,
    mean,
    sd,
    standardError: sd / Math.sqrt(count),
    median: quantile(defined, 0.5),
    min: defined[0] ?? Number.NaN,
    max: defined[count - 1] ?? Number.NaN,
  }
}

/**
 * Quantile with linear interpolation between order statistics (NumPy's default).
 * @param sorted ascending, without NaN. @param share in [0, 1]. @returns NaN for an empty list.
 */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1)
  const lower = Math.floor(place)
  const below = sorted[lower]
  if (below === undefined) return Number.NaN
  const above = sorted[Math.min(lower + 1, sorted.length - 1)]!
  // Equal neighbours are returned as they are: infinite scores must not become NaN.
  return above === below ? below : below + (place - lower) * (above - below)
}
