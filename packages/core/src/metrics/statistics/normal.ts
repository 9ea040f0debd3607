/**
 * Probability that a standard normal variable exceeds z, to about 1e-14 relative: the Taylor series of the
 * error function near 0, its continued fraction (Abramowitz and Stegun 7.1.5, 7.1.14) in the tails.
 */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z)
  const x = z / Math.SQRT2
  if (x < 1.5) {
    let term = x
    let sum = x
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-x * x) / n
      sum += term / (2 * n + 1)
    }
    return 0.5 - sum / Math.sqrt(Math.PI)
  }
  let fraction = x
  for (let n = 200; n >= 1; n--) fraction = x + n / 2 / fraction
  return Math.exp(-x * x) / fraction / Math.sqrt(Math.PI) / 2
}
