import type { ImageSamples } from '@septum/core'
import type { PixelLayout } from './pixel-layout.js'
import type { StoredSamples } from './pixels/stored.js'

/** Output = stored * slope + intercept (PS3.3 C.11.1). */
export interface Rescale {
  readonly slope: number
  readonly intercept: number
}

export const identity: Rescale = { slope: 1, intercept: 0 }

/** How a grey image is kept in memory. */
export interface GreyPlan {
  readonly make: (length: number) => ImageSamples
  /**
   * 16 stored bits and an intercept need 17 bits, but CT hardly ever uses the last one: int16 is tried first and given
   * up at the first value that it cannot hold.
   */
  readonly tryInt16?: boolean
  readonly sampleType: string
  readonly maxValue: number
}

const kinds = [
  ['uint8', Uint8Array, 0, 255, 1],
  ['int8', Int8Array, -128, 127, 1],
  ['uint16', Uint16Array, 0, 65535, 2],
  ['int16', Int16Array, -32768, 32767, 2],
  ['uint32', Uint32Array, 0, 2 ** 32 - 1, 4],
  ['int32', Int32Array, -(2 ** 31), 2 ** 31 - 1, 4],
] as const

/** Smallest and largest value that the stored bits can hold. */
export function storedRange({ bitsStored, signed }: PixelLayout): readonly [number, number] {
  return signed ? [-(2 ** (bitsStored - 1)), 2 ** (bitsStored - 1) - 1] : [0, 2 ** bitsStored - 1]
}

/**
 * Chooses the smallest sample type that holds every value the frames can have, so that nothing is rounded: whole
 * slopes and intercepts give integers, others float32 (float64 for more than 24 bits).
 */
export function planGrey(layout: PixelLayout, rescales: readonly Rescale[]): GreyPlan {
  const same = rescales.every(({ slope, intercept }) => slope === 1 && intercept === 0)
  const { float, bitsStored, signed } = layout
  const whole = rescales.every(
    ({ slope, intercept }) => Number.isInteger(slope) && Number.isInteger(intercept),
  )
  if (!float && whole) {
    const [low, high] = storedRange(layout)
    const ends = rescales.flatMap(({ slope, intercept }) => [
      low * slope + intercept,
      high * slope + intercept,
    ])
    const smallest = ends.reduce((a, b) => Math.min(a, b))
    const largest = ends.reduce((a, b) => Math.max(a, b))
    const kind = kinds.find(([, , from, to]) => smallest >= from && largest <= to)
    if (kind) {
      const [sampleType, Samples] = kind
      return {
        make: (length) => new Samples(length),
        sampleType,
        maxValue: same && !signed ? 2 ** bitsStored - 1 : 1,
        ...(sampleType === 'int32' && bitsStored <= 16 && { tryInt16: true }),
      }
    }
  }
  const wide = float ? layout.bitsAllocated === 64 : bitsStored > 24
  return {
    make: (length) => (wide ? new Float64Array(length) : new Float32Array(length)),
    sampleType: wide ? 'float64' : 'float32',
    maxValue: 1,
  }
}

/**
 * Masks and sign-extends stored samples: what lies above the high bit (old overlays) or below the stored bits is
 * no part of the value.
 * @returns the samples, or a copy where bits had to change.
 */
export function storedValues(samples: StoredSamples, layout: PixelLayout): StoredSamples {
  const { bitsStored, highBit, signed, float } = layout
  const bits = samples.BYTES_PER_ELEMENT * 8
  if (float || (!signed && bitsStored === bits)) return samples
  const left = 31 - highBit
  const right = 32 - bitsStored
  if (!signed) return samples.map((value) => (value << left) >>> right) as StoredSamples
  const out =
    bits === 8
      ? new Int8Array(samples.length)
      : bits === 16
        ? new Int16Array(samples.length)
        : new Int32Array(samples.length)
  for (let i = 0; i < out.length; i++) out[i] = (samples[i]! << left) >> right
  return out
}

/**
 * Writes one grey frame into the image.
 * @param values of `storedValues`.
 * @param invert MONOCHROME1: stored values are mirrored within their range before they are rescaled.
 */
export function writeGrey(
  out: ImageSamples,
  offset: number,
  values: StoredSamples,
  layout: PixelLayout,
  { slope, intercept }: Rescale,
  invert: boolean,
): void {
  if (!invert && slope === 1 && intercept === 0) {
    out.set(values, offset)
    return
  }
  const [low, high] = storedRange(layout)
  const mirror = invert ? low + high : 0
  const sign = invert ? -1 : 1
  for (let i = 0; i < values.length; i++) out[offset + i] = (mirror + sign * values[i]!) * slope + intercept
}

/** Whether int16 holds every value of a frame after its rescale. */
export function fitsInt16(
  values: StoredSamples,
  layout: PixelLayout,
  { slope, intercept }: Rescale,
  invert: boolean,
): boolean {
  const [low, high] = storedRange(layout)
  let [least, most] = [high, low]
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  const ends = invert ? [low + high - least, low + high - most] : [least, most]
  return ends.every((end) => Math.abs(end * slope + intercept + 0.5) < 32768)
}
