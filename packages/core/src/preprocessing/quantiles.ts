/** Puts the value of rank `k` in its place, smaller ones before it (Hoare's selection); changes `values`. */
function select(values: Float32Array, k: number): number {
  let [low, high] = [0, values.length - 1]
  while (low < high) {
    const pivot = values[(low + high) >> 1]!
    let [i, j] = [low, high]
    while (i <= j) {
      while (values[i]! < pivot) i++
      while (values[j]! > pivot) j--
      if (i <= j) {
        const kept = values[i]!
        values[i++] = values[j]!
        values[j--] = kept
      }
    }
    if (k <= j) high = j
    else if (k >= i) low = i
    else break
  }
  return values[k]!
}

/**
 * Percentiles with linear interpolation between neighbours, as NumPy's `percentile`, in linear time.
 * @param values finite numbers, at least one; left as they are. @param percents in [0, 100].
 */
export function percentiles(values: ArrayLike<number>, percents: readonly number[]): number[] {
  const work = Float32Array.from(values)
  return percents.map((percent) => {
    const at = (percent / 100) * (work.length - 1)
    const low = Math.floor(at)
    const below = select(work, low)
    return at === low ? below : below + (at - low) * (select(work, low + 1) - below)
  })
}
