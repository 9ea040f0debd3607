export type RangeRule = 'minmax' | 'percentile' | 'entropy'

/** Smallest and largest value that 8 bits must express. */
export interface ValueRange {
  readonly low: number
  readonly high: number
}

const BINS = 2048
/** Of the values, so many stay inside with `percentile`. */
const SHARE = 0.9999
/** What a bin counts at least after rounding: outliers that were moved to an empty bin must not cost without bound. */
const LEAST_SHARE = 1e-4
/** Levels of 8 bits. */
const LEVELS = 256

/** What a tensor held over all calibration images: its ends, and how its values are spread between them. */
export class Histogram {
  low = 0
  high = 0
  #counts: Float64Array | null = null

  /** First pass. Zero always belongs to the range: padding and what a ReLU cuts off must be exact. */
  widen(values: ArrayLike<number>): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      if (value < this.low) this.low = value
      else if (value > this.high) this.high = value
    }
  }

  /** Second pass, when the ends are known. */
  count(values: ArrayLike<number>): void {
    this.#counts ??= new Float64Array(BINS)
    const width = (this.high - this.low) / BINS
    if (width === 0) return
    for (let i = 0; i < values.length; i++) {
      const bin = Math.floor((values[i]! - this.low) / width)
      this.#counts[Math.min(BINS - 1, Math.max(0, bin))]!++
    }
  }

  /** The range by a rule; without counts only `minmax`. */
  range(rule: RangeRule): ValueRange {
    const { low, high } = this
    if (rule === 'minmax' || !this.#counts || high === low) return { low, high }
    return rule === 'percentile'
      ? percentileRange(this.#counts, low, high)
      : entropyRange(this.#counts, low, high)
  }
}

/** Cuts the outermost values so that `SHARE` of all lie inside; half of the rest may go at either end. */
function percentileRange(counts: Float64Array, low: number, high: number): ValueRange {
  const total = counts.reduce((sum, count) => sum + count, 0)
  const width = (high - low) / counts.length
  const most = (total * (1 - SHARE)) / 2
  let [first, cut] = [0, counts[0]!]
  while (cut <= most && first < counts.length - 1) cut += counts[++first]!
  let last = counts.length - 1
  cut = counts[last]!
  while (cut <= most && last > first) cut += counts[--last]!
  return { low: Math.min(0, low + first * width), high: Math.max(0, low + (last + 1) * width) }
}

/**
 * The upper (and, for values of both signs, by the same share the lower) end for which 256 levels tell most about the
 * values: the smallest Kullback-Leibler divergence of the distribution after rounding from that before, values beyond the
 * ends counted at the ends (Migacz, "8-bit inference with TensorRT", 2017).
 */
function entropyRange(counts: Float64Array, low: number, high: number): ValueRange {
  const bins = counts.length
  const width = (high - low) / bins
  const zero = Math.min(bins - 1, Math.max(0, Math.round(-low / width)))
  let best = { divergence: Number.POSITIVE_INFINITY, low, high }
  for (let share = 1; share >= 0.2; share -= 0.01) {
    const from = Math.floor(zero * (1 - share))
    const to = zero + Math.ceil((bins - zero) * share)
    if (to - from < LEVELS) break
    const divergence = divergenceOf(counts, from, to)
    if (divergence < best.divergence)
      best = { divergence, low: Math.min(0, low + from * width), high: Math.max(0, low + to * width) }
  }
  return { low: best.low, high: best.high }
}

/** Divergence of the bins [from, to) from themselves with 256 levels; outliers are added to the outermost bins. */
function divergenceOf(counts: Float64Array, from: number, to: number): number {
  const clipped = counts.slice(from, to)
  for (let i = 0; i < from; i++) clipped[0]! += counts[i]!
  for (let i = to; i < counts.length; i++) clipped[clipped.length - 1]! += counts[i]!
  const rounded = new Float64Array(clipped.length)
  const each = clipped.length / LEVELS
  for (let level = 0; level < LEVELS; level++) {
    const [start, end] = [Math.floor(level * each), Math.floor((level + 1) * each)]
    let [sum, filled] = [0, 0]
    for (let i = start; i < end; i++) {
      // Of the values inside, not of those that were moved to the ends.
      sum += counts[from + i]!
      if (clipped[i]! > 0) filled++
    }
    for (let i = start; i < end; i++) if (clipped[i]! > 0) rounded[i] = sum / filled
  }
  const total = clipped.reduce((sum, count) => sum + count, 0)
  const inside = rounded.reduce((sum, count) => sum + count, 0)
  let divergence = 0
  for (const [i, count] of clipped.entries()) {
    if (count === 0) continue
    const after = Math.max(rounded[i]! / inside, LEAST_SHARE)
    divergence += (count / total) * Math.log(count / total / after)
  }
  return divergence
}
