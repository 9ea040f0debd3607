import { type BundleIntensity, type BundlePreprocessing, type MedicalImage, SeptumError } from '@septum/core'
import { percentile } from './percentile.js'

/** Smallest standard deviation or range that is divided by, as in training. */
const smallest = 1e-8

interface ValueMap {
  readonly low: number
  readonly high: number
  readonly shift: number
  readonly scale: number
  /** Zeros stay zeros. */
  readonly zeros: boolean
}

/**
 * The network's input values of a picture, the same numbers as in training.
 * @returns [C', H, W] float32, one channel for each rule or window.
 * @throws SeptumError `viewer-channels` when the model wants another kind of image.
 */
export function networkInput(
  image: MedicalImage,
  channels: number,
  { channels: rules, maxValue }: BundlePreprocessing,
): Float32Array {
  const pixels = image.shape.slice(1).reduce((product, side) => product * side, 1)
  const perChannel = rules.length === 1 ? countOf(rules[0]!) : 1
  const wanted = rules.length === 1 ? channels / perChannel : rules.length
  const planes = channelsOf(image, wanted, pixels)
  const largest = maxValue ?? image.maxValue
  const out = planes.flatMap((plane, c) =>
    mapsOf(rules[rules.length === 1 ? 0 : c]!, plane, largest).map((map) => apply(plane, map)),
  )
  if (out.length !== channels) throw otherChannels(image.shape[0]!, channels)
  const data = new Float32Array(channels * pixels)
  for (const [c, plane] of out.entries()) data.set(plane, c * pixels)
  return data
}

const countOf = (rule: BundleIntensity) => (rule.kind === 'windows' ? rule.windows.length : 1)

/** Grey is repeated for a colour model; colour becomes luma (ITU-R BT.601) for a grey model. */
function channelsOf({ data, shape }: MedicalImage, wanted: number, pixels: number): Float32Array[] {
  const own = Array.from({ length: shape[0]! }, (_, c) =>
    Float32Array.from(data.subarray(c * pixels, (c + 1) * pixels)),
  )
  if (own.length === wanted) return own
  const [red, green, blue] = own
  if (own.length === 1) return Array.from({ length: wanted }, () => red!)
  if (own.length === 3 && wanted === 1) {
    return [red!.map((value, i) => 0.299 * value + 0.587 * green![i]! + 0.114 * blue![i]!)]
  }
  throw otherChannels(own.length, wanted)
}

function otherChannels(own: number, wanted: number): SeptumError {
  return new SeptumError(
    'viewer-channels',
    `The image has ${own} channels, the model wants ${wanted}`,
    'Open an image of the kind that the model was trained on.',
  )
}

function mapsOf(rule: BundleIntensity, values: Float32Array, maxValue: number): ValueMap[] {
  const plain: ValueMap = { low: -Infinity, high: Infinity, shift: 0, scale: 1, zeros: false }
  const unit = (low: number, high: number, zeros = false): ValueMap => ({
    ...{ low, high, zeros, shift: low },
    scale: Math.max(smallest, high - low),
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
      for (const value of values) {
        low = Math.min(low, value)
        high = Math.max(high, value)
      }
      return [unit(low, high)]
    }
    case 'percentiles': {
      const zeros = rule.over === 'nonZero'
      const counted = zeros ? values.filter((value) => value !== 0) : values
      const sorted = (counted.length > 0 ? counted : values).slice().sort()
      return [unit(percentile(sorted, rule.low), percentile(sorted, rule.high), zeros)]
    }
    case 'zScore': {
      const zeros = rule.over === 'nonZero'
      return [{ ...plain, ...moments(values, zeros), zeros }]
    }
    case 'meanStd': {
      const factor = rule.unit ? maxValue : 1
      const [low, high] = [(rule.low ?? -Infinity) * factor, (rule.high ?? Infinity) * factor]
      return [{ low, high, shift: rule.mean * factor, scale: rule.std * factor, zeros: false }]
    }
  }
}

function moments(values: Float32Array, zeros: boolean): { shift: number; scale: number } {
  const counted = zeros ? values.filter((value) => value !== 0) : values
  if (counted.length === 0) return { shift: 0, scale: 1 }
  const mean = counted.reduce((sum, value) => sum + value, 0) / counted.length
  const squares = counted.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { shift: mean, scale: Math.max(smallest, Math.sqrt(squares / counted.length)) }
}

const apply = (values: Float32Array, { low, high, shift, scale, zeros }: ValueMap): Float32Array =>
  values.map((value) =>
    zeros && value === 0 ? 0 : ((value < low ? low : value > high ? high : value) - shift) / scale,
  )
