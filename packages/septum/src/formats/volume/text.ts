import type { ImageSamples } from '@septum/core'
import { broken } from './problem.js'
import type { SampleType } from './samples.js'

const isSpace = (byte: number) => byte === 32 || (byte >= 9 && byte <= 13)

/** What a number of each type may be. */
const limits: Readonly<Partial<Record<SampleType, readonly [least: number, most: number]>>> = {
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  uint32: [0, 2 ** 32 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint64: [0, Number.MAX_SAFE_INTEGER],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
}

function emptySamples(type: SampleType, count: number): ImageSamples {
  switch (type) {
    case 'uint8':
      return new Uint8Array(count)
    case 'int8':
      return new Int8Array(count)
    case 'uint16':
      return new Uint16Array(count)
    case 'int16':
      return new Int16Array(count)
    case 'uint32':
      return new Uint32Array(count)
    case 'int32':
      return new Int32Array(count)
    case 'float32':
    case 'float16':
      return new Float32Array(count)
    default:
      return new Float64Array(count)
  }
}

/**
 * Numbers in text, separated by spaces or commas.
 * @param count numbers to give; text beyond them is passed over.
 * @throws SeptumError `volume-broken` for too few numbers, or one that the type cannot hold.
 */
export function decodeText(text: Uint8Array, type: SampleType, count: number, file: string): ImageSamples {
  // Two bytes a number at least, one less at the end: refused before memory is taken.
  if (text.length < 2 * count - 1) throw broken(file, `its text is too short for ${count} numbers`)
  const out = emptySamples(type, count)
  const [least, most] = limits[type] ?? [-Infinity, Infinity]
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.length)
  let at = 0
  for (let i = 0; i < count; i++) {
    while (at < bytes.length && (isSpace(bytes[at]!) || bytes[at] === 44)) at++
    const start = at
    while (at < bytes.length && !isSpace(bytes[at]!) && bytes[at] !== 44) at++
    const token = bytes.toString('latin1', start, Math.min(at, start + 64))
    const value = /^[+-]?nan$/i.test(token) ? Number.NaN : Number(token.replace(/inf(inity)?$/i, 'Infinity'))
    const whole = least === -Infinity || Number.isInteger(value)
    const isNumber = least === -Infinity ? !Number.isNaN(value) || /nan/i.test(token) : whole
    if (token === '' || !isNumber || value < least || value > most) {
      throw broken(file, start === at ? `it holds ${i} numbers of ${count}` : `number ${i + 1} is no ${type}`)
    }
    out[i] = value
  }
  return out
}

/**
 * Bytes in hexadecimal text.
 * @throws SeptumError `volume-broken` for too few digits or other letters.
 */
export function decodeHex(text: Uint8Array, wanted: number, file: string): Uint8Array {
  if (text.length < 2 * wanted) throw broken(file, `its text is too short for ${wanted} bytes`)
  const out = new Uint8Array(wanted)
  let digits = 0
  for (let at = 0; at < text.length && digits < 2 * wanted; at++) {
    const byte = text[at]!
    if (isSpace(byte)) continue
    const lower = byte | 32
    const digit = byte >= 48 && byte <= 57 ? byte - 48 : lower >= 97 && lower <= 102 ? lower - 87 : -1
    if (digit < 0) throw broken(file, 'its hexadecimal text holds another letter')
    out[digits >> 1] = (out[digits >> 1]! << 4) | digit
    digits++
  }
  if (digits < 2 * wanted) throw broken(file, `it holds ${digits >> 1} bytes of ${wanted}`)
  return out
}
