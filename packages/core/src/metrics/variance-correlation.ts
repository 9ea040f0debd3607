import { SeptumError } from '../error.js'
import type { ProbabilityMap } from './catalogue.js'
import { checkLength } from './grid.js'
import { checkProbabilities } from './sweep/grey.js'

/** Added inside the logarithm, so that a certain sample that is wrong costs 18.4 and not infinity. */
const LOG_GUARD = 1e-8

/**
 * S_NCC (PHiSeg, Baumgartner et al., MICCAI 2019): does the model doubt where the raters differ from it?
 * Correlation over the pixels of the map E_i[CE(mean sample, s_i)] with E_i[CE(y_j, s_i)], mean over raters j,
 * CE(p, q) = -sum_c p_c log(q_c + 1e-8).
 * @param samples foreground probabilities of each sample, [pixels], or with `classes` > 1 the probabilities of
 * all classes, background too, [classes, pixels]; masks are certain samples.
 * @param raters a mask (anything but 0 is marked), or with `classes` > 1 class numbers, [pixels].
 * @returns in [-1, 1]; NaN where a map is constant (all samples alike everywhere): leave it out and count it.
 * @throws SeptumError `mask-none`, `metric-shape`, `metric-values`.
 */
export function varianceCorrelation(
  samples: readonly ProbabilityMap[],
  raters: readonly ArrayLike<number>[],
  classes = 1,
): number {
  const first = raters[0]
  if (!first || samples.length === 0) {
    throw new SeptumError('mask-none', 'There is no sample or no rater', 'Give at least one of each.')
  }
  const pixels = first.length
  for (const rater of raters) checkLength(rater, pixels, "rater's mask")
  for (const sample of samples) {
    checkLength(sample, pixels * classes, 'sample')
    checkProbabilities(sample)
  }
  const planes = Math.max(2, classes)
  const logs = new Float64Array(planes * pixels)
  const means = new Float64Array(planes * pixels)
  for (const sample of samples) addSample(sample, pixels, classes, logs, means)
  for (let i = 0; i < logs.length; i++) {
    logs[i]! /= samples.length
    means[i]! /= samples.length
  }
  const doubt = new Float64Array(pixels)
  for (let i = 0; i < logs.length; i++) doubt[i % pixels]! -= means[i]! * logs[i]!
  let total = 0
  for (const rater of raters) {
    const error = Float64Array.from({ length: pixels }, (_, i) => {
      const label = classes === 1 ? (rater[i] === 0 ? 0 : 1) : rater[i]!
      if (!(label >= 0 && label < planes)) throw unknownClass(label, classes)
      return -logs[label * pixels + i]!
    })
    total += correlation(doubt, error)
  }
  return total / raters.length
}

/** Adds probabilities and their logarithms to the planes of the classes; a foreground map makes two planes. */
function addSample(
  sample: ProbabilityMap,
  pixels: number,
  classes: number,
  logs: Float64Array,
  means: Float64Array,
): void {
  const scale = sample instanceof Uint8Array ? (classes === 1 && isMask(sample) ? 1 : 255) : 1
  const add = (place: number, p: number) => {
    logs[place]! += Math.log(p + LOG_GUARD)
    means[place]! += p
  }
  for (let i = 0; i < sample.length; i++) {
    const p = sample[i]! / scale
    if (classes > 1) add(i, p)
    else {
      add(i, 1 - p)
      add(pixels + i, p)
    }
  }
}

/** Bytes of 0 and 1 only are a mask, not very small probabilities. */
function isMask(sample: Uint8Array): boolean {
  for (let i = 0; i < sample.length; i++) if (sample[i]! > 1) return false
  return true
}

function unknownClass(label: number, classes: number): SeptumError {
  return new SeptumError(
    'metric-values',
    `A rater's mask holds class ${label} of ${classes}`,
    'Number the classes 0, 1, ... as the planes of the samples.',
  )
}

/** Pearson's correlation; NaN where either side is constant. */
function correlation(a: Float64Array, b: Float64Array): number {
  // Differences to a first value: a constant map has a variance of exactly 0.
  const [a0, b0] = [a[0]!, b[0]!]
  let sumA = 0
  let sumB = 0
  for (let i = 0; i < a.length; i++) {
    sumA += a[i]! - a0
    sumB += b[i]! - b0
  }
  const [meanA, meanB] = [a0 + sumA / a.length, b0 + sumB / b.length]
  let squaresA = 0
  let squaresB = 0
  let product = 0
  for (let i = 0; i < a.length; i++) {
    squaresA += (a[i]! - meanA) ** 2
    squaresB += (b[i]! - meanB) ** 2
    product += (a[i]! - meanA) * (b[i]! - meanB)
  }
  if (sumA === 0 && a.every((value) => value === a0)) return Number.NaN
  if (sumB === 0 && b.every((value) => value === b0)) return Number.NaN
  return product / Math.sqrt(squaresA * squaresB)
}
