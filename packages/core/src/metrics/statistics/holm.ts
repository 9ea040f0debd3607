/**
 * Holm's step-down correction: p-values that may be held against one level although several tests were made.
 * @param values p-values of one family of tests; NaN (no test could be made) stays NaN and does not count.
 * @returns in the order given; each at least its own p-value, at most 1.
 */
export function holmAdjust(values: ArrayLike<number>): Float64Array {
  const adjusted = new Float64Array(values.length).fill(Number.NaN)
  const order = Array.from({ length: values.length }, (_, i) => i)
    .filter((i) => !Number.isNaN(values[i]!))
    .sort((a, b) => values[a]! - values[b]!)
  let largest = 0
  for (const [place, i] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (order.length - place) * values[i]!))
    adjusted[i] = largest
  }
  return adjusted
}
