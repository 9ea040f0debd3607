/** ln 2 in two parts: the low 32 bits of the first are zero, so that n times it is exact. */
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
const SMALLEST = -745

/** 2^-n for n = 0 to 1075, by exact halving. */
const HALVINGS = new Float64Array(1076)
HALVINGS[0] = 1
for (let n = 1; n < HALVINGS.length; n++) HALVINGS[n] = HALVINGS[n - 1]! / 2

/**
 * e^x for x <= 0 to a relative error of 1e-15, from the four basic operations only. `Math.exp` may differ
 * in its last bit between JavaScript engines, and one bit can change a sampled token: here every engine
 * gives the same number.
 */
export function expNonPositive(x: number): number {
  if (!(x > SMALLEST)) return x <= SMALLEST ? 0 : Number.NaN
  const n = Math.floor(0.5 - x * Math.LOG2E)
  const r = x + n * LN2_HIGH + n * LN2_LOW
  // Taylor's series (1 / 12! to 1 / 0!) on |r| <= ln(2) / 2: the first term left out, r^13 / 13!, is below 2e-16.
  let sum = 1 / 479001600
  sum = sum * r + 1 / 39916800
  sum = sum * r + 1 / 3628800
  sum = sum * r + 1 / 362880
  sum = sum * r + 1 / 40320
  sum = sum * r + 1 / 5040
  sum = sum * r + 1 / 720
  sum = sum * r + 1 / 120
  sum = sum * r + 1 / 24
  sum = sum * r + 1 / 6
  sum = sum * r + 1 / 2
  sum = sum * r + 1
  sum = sum * r + 1
  return sum * HALVINGS[n]!
}

/** Logistic function 1 / (1 + e^-x), the same in every JavaScript engine. */
export function sigmoid(x: number): number {
  const small = expNonPositive(x > 0 ? -x : x)
  return x > 0 ? 1 / (1 + small) : small / (1 + small)
}
