import { SeptumError } from './error.js'
import { LabelFusion } from './label-fusion.js'
import { sigmoid } from './portable-exp.js'

/**
 * Probabilities are added as whole multiples of 2^-43: exact for up to 1,024 samples, so that their order
 * cannot move a pixel across one half.
 */
const PROBABILITY_UNITS = 2 ** 43

/** `vote`: share of samples that mark the pixel; `mean`: mean of the samples' probabilities. */
export type ConsensusRule = 'vote' | 'mean'

/** Per-pixel maps, each [pixels] in [0, 1], 0 where every sample agrees fully. */
export interface Uncertainty {
  /** 4p(1 - p) of the fused probability p. */
  readonly variance: Float32Array
  /** Binary entropy of p in bits. */
  readonly entropy: Float32Array
  /** Share of the pairs of different samples of which exactly one marks the pixel; 0 for one sample. */
  readonly disagreement: Float32Array
}

export interface Consensus {
  /** [pixels] in [0, 1]; with `vote` one of {0, 1/N, ..., 1}. */
  readonly probability: Float32Array
  /** [pixels], 1 where more than half of the probability is foreground (exactly half is background). */
  readonly mask: Uint8Array
  readonly uncertainty: Uncertainty
}

/**
 * Fuses N plausible masks of one class into one (AR-Seg, consensus aggregation).
 * @param samples mask logits, each [pixels]; a pixel is marked where its logit exceeds 0.
 * @throws SeptumError `consensus-empty`, `consensus-size` or `consensus-values` (NaN).
 */
export function fuseSamples(samples: readonly Float32Array[], rule: ConsensusRule = 'vote'): Consensus {
  const first = samples[0]
  if (!first) {
    throw new SeptumError('consensus-empty', 'There is no mask to fuse', 'Draw at least one sample.')
  }
  const votes = new Uint32Array(first.length)
  const sums = new Float64Array(first.length)
  for (const sample of samples) {
    if (sample.length !== first.length) {
      throw new SeptumError(
        'consensus-size',
        `Masks of ${first.length} and ${sample.length} pixels cannot be fused`,
        'Fuse samples of one image only.',
      )
    }
    if (rule === 'mean') addProbabilities(sample, votes, sums)
    else addVotes(sample, votes)
  }
  const probability = new Float32Array(first.length)
  const mask = new Uint8Array(first.length)
  for (let pixel = 0; pixel < mask.length; pixel++) {
    const p = (rule === 'mean' ? sums[pixel]! / PROBABILITY_UNITS : votes[pixel]!) / samples.length
    probability[pixel] = p
    mask[pixel] = p > 0.5 ? 1 : 0
  }
  const uncertainty = {
    variance: varianceMap(probability),
    entropy: entropyMap(probability),
    disagreement: disagreementMap(votes, samples.length),
  }
  return { probability, mask, uncertainty }
}

/** 4p(1 - p): 0 at p = 0 and 1, 1 at p = 1/2. @param probability [pixels] in [0, 1]. */
export function varianceMap(probability: Float32Array): Float32Array {
  return probability.map((p) => 4 * p * (1 - p))
}

/** Binary entropy in bits: 0 at p = 0 and 1, 1 at p = 1/2. @param probability [pixels] in [0, 1]. */
export function entropyMap(probability: Float32Array): Float32Array {
  return probability.map((p) => (p > 0 && p < 1 ? -(p * Math.log2(p) + (1 - p) * Math.log2(1 - p)) : 0))
}

/**
 * Label map of several classes: the class of the largest probability where that exceeds 1/2 (the first
 * of equal ones), else background.
 * @param probabilities one map [pixels] for each foreground class.
 * @returns [pixels], 0 background, i + 1 for class i.
 */
export function labelMap(probabilities: readonly Float32Array[]): Uint8Array {
  const pixels = probabilities[0]?.length ?? 0
  if (probabilities.length > 255 || probabilities.some((map) => map.length !== pixels)) {
    throw new SeptumError(
      'consensus-size',
      'A label map needs at most 255 classes of equal size',
      'Give one probability map of the same image for each class.',
    )
  }
  const fusion = new LabelFusion(pixels, { labels: probabilities.map((_, index) => index + 1) })
  for (const [index, map] of probabilities.entries()) fusion.add(index, map)
  return fusion.labels
}

function addVotes(sample: Float32Array, votes: Uint32Array): void {
  for (let pixel = 0; pixel < sample.length; pixel++) {
    const logit = sample[pixel]!
    if (logit > 0) votes[pixel]!++
    else if (Number.isNaN(logit)) throw notANumber(pixel)
  }
}

function addProbabilities(sample: Float32Array, votes: Uint32Array, sums: Float64Array): void {
  addVotes(sample, votes)
  for (let pixel = 0; pixel < sample.length; pixel++) {
    sums[pixel]! += Math.round(sigmoid(sample[pixel]!) * PROBABILITY_UNITS)
  }
}

function disagreementMap(votes: Uint32Array, samples: number): Float32Array {
  const pairs = (samples * (samples - 1)) / 2
  const map = new Float32Array(votes.length)
  if (pairs > 0) for (let i = 0; i < map.length; i++) map[i] = (votes[i]! * (samples - votes[i]!)) / pairs
  return map
}

function notANumber(pixel: number): SeptumError {
  return new SeptumError(
    'consensus-values',
    `Pixel ${pixel} of a sampled mask is not a number`,
    'The model diverged: train again from an earlier checkpoint.',
  )
}
