/** Linear interpolation between neighbours, as NumPy's `percentile`. @param sorted ascending, at least one. */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  const at = (percent / 100) * (sorted.length - 1)
  const low = Math.floor(at)
  const below = sorted[low]!
  return at === low ? below : below + (at - low) * (sorted[low + 1]! - below)
}
