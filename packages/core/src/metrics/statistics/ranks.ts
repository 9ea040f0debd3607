/**
 * Ranks from 1 for the smallest value; equal values share the mean of their ranks (SciPy's `rankdata`).
 * @param values without NaN.
 */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const ranks = new Float64Array(values.length)
  for (let from = 0; from < order.length; ) {
    let to = from + 1
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + to + 1) / 2
    from = to
  }
  return ranks
}

/** Sizes of the groups of equal values that have at least two members. */
export function tieSizes(values: ArrayLike<number>): number[] {
  const counts = new Map<number, number>()
  for (let i = 0; i < values.length; i++) counts.set(values[i]!, (counts.get(values[i]!) ?? 0) + 1)
  return [...counts.values()].filter((count) => count > 1)
}

/**
 * Kendall's tau-b of two rankings: 1 the same order, -1 reversed, 0 unrelated; ties are taken off.
 * @returns NaN where one of them ties everything.
 */
export function kendallTau(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let agree = 0
  let [untiedA, untiedB] = [0, 0]
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < i; j++) {
      const [x, y] = [Math.sign(a[i]! - a[j]!), Math.sign(b[i]! - b[j]!)]
      agree += x * y
      untiedA += Math.abs(x)
      untiedB += Math.abs(y)
    }
  }
  return agree / Math.sqrt(untiedA * untiedB)
}
