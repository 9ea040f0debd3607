import type { BundleIntensity } from '../bundle/manifest.js'
import { SeptumError } from '../error.js'
import type { ImageSamples } from '../image.js'
import { percentiles } from './quantiles.js'

/** What is done to the values: one entry for all channels, or one for each. */
export interface IntensityRules {
  readonly channels: readonly BundleIntensity[]
}

/** Smallest standard deviation or range that is divided by. */
const SMALLEST = 1e-8

/** How one channel came about: (x cut to [low, high] - shift) / scale. Its inverse gives back what was not cut. */
export interface ValueMap {
  /** Channel of the source. */
  readonly source: number
  readonly low: number | null
  readonly high: number | null
  readonly shift: number
  readonly scale: number
  /** Zeros of the source stay zeros. */
  readonly zeros: boolean
}

/** Channels that an image of `channels` channels has afterwards. */
export function preprocessedChannels({ channels: rules }: IntensityRules, channels: number): number {
  return Array.from({ length: channels }, (_, c) => ruleOf(rules, c, channels)).reduce(
    (sum, rule) => sum + (rule.kind === 'windows' ? rule.windows.length : 1),
    0,
  )
}

function ruleOf(rules: readonly BundleIntensity[], channel: number, channels: number): BundleIntensity {
  if (rules.length !== 1 && rules.length !== channels) {
    throw new SeptumError(
      'preprocess-channels',
      `The preprocessing describes ${rules.length} channels, the image has ${channels}`,
      'Give one entry for all channels, or one for each.',
      { option: 'preprocessing.channels' },
    )
  }
  return rules[rules.length === 1 ? 0 : channel]!
}

/** Mean and standard deviation. Counted loops: an iterator over samples makes an object for each of them. */
function moments(values: ImageSamples, zeros: boolean): { mean: number; std: number } {
  const { length } = values
  let [none, sum] = [0, 0]
  for (let i = 0; i < length; i++) sum += values[i]!
  if (zeros) for (let i = 0; i < length; i++) if (values[i] === 0) none++
  const count = length - none
  const mean = count === 0 ? 0 : sum / count
  let squares = 0
  for (let i = 0; i < length; i++) {
    const value = values[i]!
    // A product: a power is several times slower, and this loop goes over every sample that is loaded.
    const from = zeros && value === 0 ? 0 : value - mean
    squares += from * from
  }
  return { mean, std: count === 0 ? 1 : Math.max(SMALLEST, Math.sqrt(squares / count)) }
}

function mapsOf(rule: BundleIntensity, values: ImageSamples, maxValue: number, source: number): ValueMap[] {
  const plain = { source, low: null, high: null, shift: 0, scale: 1, zeros: false }
  const unit = (low: number, high: number, zeros = false): ValueMap => ({
    source,
    low,
    high,
    shift: low,
    scale: Math.max(SMALLEST, high - low),
    zeros,
  })
  switch (rule.kind) {
    case 'none':
      return [plain]
    case 'scale':
      return [{ ...plain, high: maxValue, scale: maxValue }]
    case 'windows':
      return rule.windows.map(({ low, high }) => unit(low, high))
    case 'minMax': {
      let [low, high] = [Infinity, -Infinity]
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!
        if (value < low) low = value
        if (value > high) high = value
      }
      return [unit(low, high)]
    }
    case 'percentiles': {
      const zeros = rule.over === 'nonZero'
      const counted = zeros ? values.filter((value) => value !== 0) : values
      const [low, high] = percentiles(counted.length > 0 ? counted : values, [rule.low, rule.high])
      return [unit(low!, high!, zeros)]
    }
    case 'zScore': {
      const zeros = rule.over === 'nonZero'
      const { mean, std } = moments(values, zeros)
      return [{ ...plain, shift: mean, scale: std, zeros }]
    }
    case 'meanStd': {
      const { mean, std, low, high, unit: divided } = rule
      const factor = divided ? maxValue : 1
      const cut = (bound: number | null) => bound && bound * factor
      return [{ ...plain, low: cut(low), high: cut(high), shift: mean * factor, scale: std * factor }]
    }
  }
}

/** Fills one channel. @returns whether all of its values are finite */
function mapValues(values: ImageSamples, { low, high, shift, scale, zeros }: ValueMap, out: Float32Array) {
  const { length } = values
  const [least, most] = [low ?? -Infinity, high ?? Infinity]
  let zero = 0
  for (let i = 0; i < length; i++) {
    const value = values[i]!
    const kept = value < least ? least : value > most ? most : value
    const made = zeros && value === 0 ? 0 : Math.fround((kept - shift) / scale)
    out[i] = made
    // NaN from the first value on that is not finite.
    zero += made * 0
  }
  return zero === 0
}

/**
 * Brings values into the range that a network expects, as `rules` say; every image on its own.
 * @param data [C, ...size]. @param samples samples of one channel. @param maxValue largest value of the file format.
 * @returns [C', ...size] float32 and how each channel came about.
 * @throws SeptumError `preprocess-channels`, `preprocess-values` for values that are not finite.
 */
export function normaliseValues(
  { channels: rules }: IntensityRules,
  data: ImageSamples,
  samples: number,
  maxValue: number,
): { readonly data: Float32Array; readonly maps: readonly ValueMap[] } {
  const channels = data.length / samples
  const maps: ValueMap[] = []
  for (let c = 0; c < channels; c++) {
    const values = data.subarray(c * samples, (c + 1) * samples)
    maps.push(...mapsOf(ruleOf(rules, c, channels), values, maxValue, c))
  }
  let finite = maps.every(({ shift, scale }) => Number.isFinite(shift) && Number.isFinite(scale))
  const out = new Float32Array(maps.length * samples)
  for (const [index, map] of maps.entries()) {
    const values = data.subarray(map.source * samples, (map.source + 1) * samples)
    finite = mapValues(values, map, out.subarray(index * samples, (index + 1) * samples)) && finite
  }
  if (!finite) {
    throw new SeptumError(
      'preprocess-values',
      'The image holds values that are not finite, or too large to be averaged',
      'Replace NaN and infinite values before use.',
    )
  }
  return { data: out, maps }
}

/** The stored value behind a preprocessed one; a value that was cut comes back as the bound. */
export const storedValue = ({ shift, scale, zeros }: ValueMap, value: number): number =>
  zeros && value === 0 ? 0 : value * scale + shift
