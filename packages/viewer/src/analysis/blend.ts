import { entropyMap, fuseSamples, varianceMap } from '@septum/core'
import type { ClassMaps } from '../engine/messages.js'

export interface Blend {
  /** Number of samples in it; 1 for a method that gives one mask. */
  readonly count: number
  /** [pixels] in [0, 1]: share of the samples, or the model's own probability for one mask. */
  readonly probability: Float32Array
  /** [pixels] in [0, 1]: entropy of the vote in bits; 4p(1 - p) for one mask. */
  readonly uncertainty: Float32Array
}

/** Fuses the samples that are not left out; `leftOut` must leave at least one. */
export function blendOf({ samples, probability }: ClassMaps, leftOut: readonly number[]): Blend {
  if (samples.length === 1) return { count: 1, probability, uncertainty: varianceMap(probability) }
  const chosen = samples.filter((_, index) => !leftOut.includes(index))
  const fused = fuseSamples(chosen.map((mask) => Float32Array.from(mask)))
  return { count: chosen.length, probability: fused.probability, uncertainty: entropyMap(fused.probability) }
}

/** Pixels whose probability exceeds the threshold. */
export function maskAbove(probability: Float32Array, threshold: number): Uint8Array {
  return Uint8Array.from(probability, (p) => (p > threshold ? 1 : 0))
}

/** Least number of samples of `count` that passes a threshold: more than half is 5 of 8. */
export const votesNeeded = (threshold: number, count: number): number => Math.floor(threshold * count) + 1

/** A threshold that `votes` of `count` samples pass and one fewer do not. */
export const thresholdFor = (votes: number, count: number): number => (votes - 0.5) / count
