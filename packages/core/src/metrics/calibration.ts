import { SeptumError } from '../error.js'
import type { ProbabilityMap } from './catalogue.js'
import { checkLength } from './grid.js'
import { checkProbabilities } from './sweep/grey.js'

/** One bin of a reliability curve. */
export interface ReliabilityBin {
  /** The bin holds probabilities in (low, high]; the first also 0. */
  readonly low: number
  readonly high: number
  readonly pixels: number
  /** Mean probability of its pixels, NaN for an empty bin. */
  readonly confidence: number
  /** Share of its pixels that the reference marks (with raters: mean share of the raters), NaN when empty. */
  readonly frequency: number
}

export interface CalibrationOptions {
  /** Equal bins over [0, 1], default 10. */
  readonly bins?: number
  /**
   * Where probability 0 goes: into the first bin (`first`, the default), or nowhere (`dropped`, MoSE's
   * program), which forgives marked pixels that were given no probability at all.
   */
  readonly zero?: 'first' | 'dropped'
}

/** How far predicted probabilities are from observed frequencies. All 0 at best and at most 1. */
export interface CalibrationScores {
  /** Expected calibration error: sum over bins of share of pixels x |confidence - frequency|. */
  readonly ece: number
  /** Largest |confidence - frequency| of a bin that is not empty. */
  readonly mce: number
  /** Brier score, mean of (p - y)^2. */
  readonly brier: number
  /** The curve itself, all bins. */
  readonly bins: readonly ReliabilityBin[]
}

/**
 * Calibration of foreground probabilities. An empty reference needs no special rule: its frequency is 0.
 * @param map [pixels], floats in [0, 1] or bytes (value / 255).
 * @param frequency [pixels], what was observed: a mask (anything but 0 counts 1), or the share of the raters
 * that mark each pixel as floats.
 * @throws SeptumError `metric-shape`, `metric-values`, `metric-options`.
 */
export function calibrationScores(
  map: ProbabilityMap,
  frequency: Uint8Array | Float64Array,
  options: CalibrationOptions = {},
): CalibrationScores {
  const { bins = 10, zero = 'first' } = options
  if (!Number.isInteger(bins) || bins < 1) {
    throw new SeptumError(
      'metric-options',
      `${bins} bins make no reliability curve`,
      'Give a whole number, e.g. 10.',
    )
  }
  checkLength(frequency, map.length, 'reference')
  checkProbabilities(map)
  const scale = map instanceof Uint8Array ? 255 : 1
  const pixels = new Float64Array(bins)
  const confidences = new Float64Array(bins)
  const frequencies = new Float64Array(bins)
  const binary = frequency instanceof Uint8Array
  let squares = 0
  for (let i = 0; i < map.length; i++) {
    const p = map[i]! / scale
    const y = binary ? (frequency[i] === 0 ? 0 : 1) : frequency[i]!
    squares += (p - y) * (p - y)
    const bin = binOf(p, bins)
    if (bin < 0 && zero === 'dropped') continue
    const place = Math.max(0, bin)
    pixels[place]!++
    confidences[place]! += p
    frequencies[place]! += y
  }
  const curve = Array.from(pixels, (count, i) => ({
    low: i / bins,
    high: (i + 1) / bins,
    pixels: count,
    confidence: confidences[i]! / count,
    frequency: frequencies[i]! / count,
  }))
  const filled = curve.filter((bin) => bin.pixels > 0)
  const gaps = filled.map((bin) => Math.abs(bin.confidence - bin.frequency))
  return {
    ece: filled.reduce((sum, bin, i) => sum + (bin.pixels / map.length) * gaps[i]!, 0),
    mce: gaps.reduce((largest, gap) => Math.max(largest, gap), 0),
    brier: squares / map.length,
    bins: curve,
  }
}

/** The bin (i/n, (i+1)/n] of p, -1 for 0. Edges are compared as i/n, which 0.3 of ten samples lands on. */
function binOf(p: number, bins: number): number {
  let bin = Math.min(bins, Math.ceil(p * bins)) - 1
  if (bin > 0 && p <= bin / bins) bin--
  else if (bin + 1 < bins && p > (bin + 1) / bins) bin++
  return bin
}

/** @returns the share of the raters that mark each pixel. @throws SeptumError `metric-shape`, `mask-none`. */
export function raterFrequency(raters: readonly Uint8Array[]): Float64Array {
  const first = raters[0]
  if (!first) throw new SeptumError('mask-none', 'There is no rater', 'Give at least one mask.')
  const share = new Float64Array(first.length)
  for (const rater of raters) {
    checkLength(rater, first.length, "rater's mask")
    for (let i = 0; i < rater.length; i++) if (rater[i] !== 0) share[i]!++
  }
  for (let i = 0; i < share.length; i++) share[i]! /= raters.length
  return share
}
