import type { ImageSamples } from '@septum/core'
import { broken } from './problem.js'

/** Types of stored samples. */
export type SampleType =
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'uint32'
  | 'int32'
  | 'uint64'
  | 'int64'
  | 'float16'
  | 'float32'
  | 'float64'

/** Bytes of one stored sample. */
export const sampleBytes: Readonly<Record<SampleType, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  uint64: 8,
  int64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
}

/** Most bytes that one sample takes once decoded: 64-bit integers become float64 at worst, halves float32. */
export const decodedBytes = (type: SampleType) => (type === 'float16' ? 4 : sampleBytes[type])

/** `maxValue` of an image: what an unsigned type of 8 or 16 bits can hold, 1 for all others. */
export function largestValue(samples: SampleType | ImageSamples): number {
  if (samples === 'uint8' || samples instanceof Uint8Array) return 255
  return samples === 'uint16' || samples instanceof Uint16Array ? 65535 : 1
}

/** The type of samples in memory. */
export function typeOfSamples(samples: ImageSamples): SampleType {
  if (samples instanceof Uint8Array) return 'uint8'
  if (samples instanceof Int8Array) return 'int8'
  if (samples instanceof Uint16Array) return 'uint16'
  if (samples instanceof Int16Array) return 'int16'
  if (samples instanceof Uint32Array) return 'uint32'
  if (samples instanceof Int32Array) return 'int32'
  return samples instanceof Float32Array ? 'float32' : 'float64'
}

/** The bytes of samples, little-endian as on every platform that runs this; shared memory, not a copy. */
export function bytesOfSamples(samples: ImageSamples): Uint8Array {
  return new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
}

/**
 * Stored bytes as samples. Bytes are used in place where they lie aligned, and swapped in place.
 * 64-bit integers become int32 where all fit, else float64; halves become float32.
 * @param bytes a whole number of samples; the caller gives them away.
 * @throws SeptumError `volume-broken` for 64-bit integers beyond 2^53, which no sample type keeps.
 */
export function decodeSamples(
  bytes: Uint8Array,
  type: SampleType,
  littleEndian: boolean,
  file: string,
): ImageSamples {
  const size = sampleBytes[type]
  // Node keeps small buffers in a common pool, which must not be handed out, let alone transferred to a worker.
  const own = bytes.byteOffset % size === 0 && bytes.length >= 4096 ? bytes : new Uint8Array(bytes)
  const { buffer, byteOffset: at } = own
  if (!littleEndian && size > 1) swapBytes(own, size)
  const count = own.length / size
  switch (type) {
    case 'uint8':
      return new Uint8Array(buffer, at, count)
    case 'int8':
      return new Int8Array(buffer, at, count)
    case 'uint16':
      return new Uint16Array(buffer, at, count)
    case 'int16':
      return new Int16Array(buffer, at, count)
    case 'uint32':
      return new Uint32Array(buffer, at, count)
    case 'int32':
      return new Int32Array(buffer, at, count)
    case 'float32':
      return new Float32Array(buffer, at, count)
    case 'float64':
      return new Float64Array(buffer, at, count)
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer, at, count), halfToNumber)
    case 'int64':
    case 'uint64':
      return fromWords(new Uint32Array(buffer, at, count * 2), type === 'int64', file)
  }
}

/**
 * value * slope + intercept, computed in double precision. 8- and 16-bit integers and float32 become float32,
 * wider types float64.
 */
export function scaleSamples(samples: ImageSamples, slope: number, intercept: number): ImageSamples {
  const wide =
    samples.BYTES_PER_ELEMENT === 8 || samples instanceof Int32Array || samples instanceof Uint32Array
  const out = wide ? new Float64Array(samples.length) : new Float32Array(samples.length)
  for (let i = 0; i < out.length; i++) out[i] = samples[i]! * slope + intercept
  return out
}

/** Bytes of a sample after `scaleSamples`. */
export const scaledBytes = (type: SampleType) =>
  sampleBytes[type] === 8 || type === 'int32' || type === 'uint32' ? 8 : 4

/** Turns the bytes of each value round, in place. @param size bytes of a value. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  const half = size >> 1
  for (let at = 0; at + size <= bytes.length; at += size) {
    for (let i = 0; i < half; i++) {
      const kept = bytes[at + i]!
      bytes[at + i] = bytes[at + size - 1 - i]!
      bytes[at + size - 1 - i] = kept
    }
  }
}

function fromWords(words: Uint32Array, signed: boolean, file: string): Int32Array | Float64Array {
  const count = words.length / 2
  const narrow = new Int32Array(count)
  let at = 0
  for (; at < count; at++) {
    const low = words[2 * at]! | 0
    if (words[2 * at + 1]! !== (signed ? low >>> 31 && 0xffffffff : low < 0 ? -1 : 0)) break
    narrow[at] = low
  }
  if (at === count) return narrow
  const wide = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    const high = words[2 * i + 1]!
    wide[i] = (signed ? high | 0 : high) * 2 ** 32 + words[2 * i]!
    if (Math.abs(wide[i]!) > Number.MAX_SAFE_INTEGER) {
      throw broken(file, 'it holds 64-bit integers beyond 2^53')
    }
  }
  return wide
}

/** IEEE 754 binary16. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 31
  const fraction = bits & 1023
  if (exponent === 31) return fraction ? Number.NaN : sign * Infinity
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024))
}
