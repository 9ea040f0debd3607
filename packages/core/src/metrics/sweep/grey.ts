import { SeptumError } from '../../error.js'
import type { ProbabilityMap } from '../catalogue.js'

/** A probability map made ready for sweeps. */
export interface GreyMap {
  /** In [0, 1]. */
  readonly values: Float64Array
  /** floor(255 value): at threshold k the pixels of level >= k are marked. */
  readonly levels: Uint8Array
}

/**
 * Stretches a map to [0, 1] by its own minimum and maximum, as the evaluation programs of PraNet,
 * PySODMetrics and M2SNet do, and cuts it into 256 levels. In float64: float32 moves grey levels.
 * @param map floats in [0, 1] or bytes. @param minMax false leaves the values as they are (SOD-Evaluation).
 * A constant map is never stretched.
 * @throws SeptumError `metric-values` for NaN, infinities and floats outside [0, 1].
 */
export function greyMap(map: ProbabilityMap, minMax: boolean): GreyMap {
  return map instanceof Uint8Array ? greyOfBytes(map, minMax) : greyOfFloats(map, minMax)
}

function greyOfBytes(map: Uint8Array, minMax: boolean): GreyMap {
  let low = 255
  let high = 0
  for (let i = 0; i < map.length; i++) {
    const value = map[i]!
    if (value < low) low = value
    if (value > high) high = value
  }
  const stretch = minMax && high > low
  const shareOf = new Float64Array(256)
  const levelOf = new Uint8Array(256)
  for (let value = low; value <= high; value++) {
    // Divided first, then stretched: the tools' order decides which side of a level a value falls on.
    shareOf[value] = stretch ? (value / 255 - low / 255) / (high / 255 - low / 255) : value / 255
    levelOf[value] = Math.floor(shareOf[value]! * 255)
  }
  const values = new Float64Array(map.length)
  const levels = new Uint8Array(map.length)
  for (let i = 0; i < map.length; i++) {
    const value = map[i]!
    values[i] = shareOf[value]!
    levels[i] = levelOf[value]!
  }
  return { values, levels }
}

function greyOfFloats(map: Float32Array | Float64Array, minMax: boolean): GreyMap {
  let low = Infinity
  let high = -Infinity
  for (let i = 0; i < map.length; i++) {
    const value = map[i]!
    // Written so that NaN fails too.
    if (!(value >= 0 && value <= 1)) throw outside(value, i)
    if (value < low) low = value
    if (value > high) high = value
  }
  const stretch = minMax && high > low
  const base = stretch ? low : 0
  const span = stretch ? high - low : 1
  const values = new Float64Array(map.length)
  const levels = new Uint8Array(map.length)
  for (let i = 0; i < map.length; i++) {
    const value = (map[i]! - base) / span
    values[i] = value
    levels[i] = value * 255
  }
  return { values, levels }
}

/** @throws SeptumError `metric-values` when a probability is not a number in [0, 1]. Bytes always pass. */
export function checkProbabilities(map: ProbabilityMap): void {
  if (map instanceof Uint8Array) return
  for (let i = 0; i < map.length; i++) {
    if (!(map[i]! >= 0 && map[i]! <= 1)) throw outside(map[i]!, i)
  }
}

function outside(value: number, index: number): SeptumError {
  return new SeptumError(
    'metric-values',
    `A probability is ${value} (pixel ${index})`,
    'Give numbers from 0 to 1; apply the sigmoid or softmax to logits first.',
  )
}
