import { expNonPositive, sigmoid } from '../portable-exp.js'
import type { MaskGraphs } from './manifest.js'

export interface MaskMaps {
  /** [classes, pixels] in [0, 1]. */
  readonly probabilities: Float32Array
  /** [classes, pixels], 0 or 1. */
  readonly masks: Float32Array
}

/**
 * What logits of one image mean. With `sigmoid` a pixel is marked where its probability exceeds one half; with
 * `softmax` where its class has the largest logit, that of background (the first) included.
 * @param logits [maps, pixels]
 */
export function mapsOfLogits(logits: Float32Array, pixels: number, output: MaskGraphs['output']): MaskMaps {
  if (output === 'sigmoid') {
    const probabilities = logits.map((logit) => sigmoid(logit))
    return { probabilities, masks: probabilities.map((p) => (p > 0.5 ? 1 : 0)) }
  }
  const maps = logits.length / pixels
  const probabilities = new Float32Array(logits.length - pixels)
  const masks = new Float32Array(logits.length - pixels)
  const weights = new Float64Array(maps)
  for (let pixel = 0; pixel < pixels; pixel++) {
    let winner = 0
    for (let k = 1; k < maps; k++)
      if (logits[k * pixels + pixel]! > logits[winner * pixels + pixel]!) winner = k
    const largest = logits[winner * pixels + pixel]!
    let sum = 0
    for (let k = 0; k < maps; k++) {
      weights[k] = expNonPositive(logits[k * pixels + pixel]! - largest)
      sum += weights[k]!
    }
    for (let k = 1; k < maps; k++) probabilities[(k - 1) * pixels + pixel] = weights[k]! / sum
    if (winner > 0) masks[(winner - 1) * pixels + pixel] = 1
  }
  return { probabilities, masks }
}
