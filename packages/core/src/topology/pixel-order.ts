import { SeptumError } from '../error.js'
import { checkLength, gridOf } from '../metrics/grid.js'

/** Grey values, probabilities or masks of a picture, row by row; none may be NaN or infinite. */
export type GreyMap =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Float32Array
  | Float64Array

/**
 * Pixels in the order in which a filtration takes them in. Places are positions in the picture with a frame
 * of one pixel, `stride` = width + 2 wide, so that neighbours need no test for the border.
 */
export interface PixelOrder {
  readonly height: number
  readonly width: number
  readonly stride: number
  /** Place of the pixel of each rank. */
  readonly place: Int32Array
  /** Rank of the pixel at each place; the number of pixels at the places of the frame. */
  readonly rank: Int32Array
  /** Number of the distinct value of each rank, ascending: equal where values are equal. */
  readonly level: Int32Array
}

const DIGIT_BITS = 11
const BUCKETS = 1 << DIGIT_BITS

/**
 * Sorts the pixels of a picture by value in linear time (radix sort).
 * @param values [height, width]. @param descending largest value first (superlevel filtration).
 * @param lastFirst among equal values the later pixel of the raster comes first; default: the earlier.
 * @throws SeptumError `metric-shape`, or `topology-values` for NaN and infinities.
 */
export function sortPixels(
  values: GreyMap,
  shape: readonly number[],
  { descending = false, lastFirst = false }: { descending?: boolean; lastFirst?: boolean } = {},
): PixelOrder {
  const { dimensions, height, width, pixels } = gridOf(shape)
  if (dimensions !== 2) {
    throw new SeptumError(
      'topology-shape',
      `Persistent homology of a volume of shape [${shape.join(', ')}] is not computed`,
      'Give the slices of the volume one by one.',
    )
  }
  checkLength(values, pixels, 'grey map')
  const words = sortKeys(values, descending)
  let order = new Int32Array(pixels)
  for (let i = 0; i < pixels; i++) order[i] = lastFirst ? pixels - 1 - i : i
  let spare = new Int32Array(pixels)
  for (const { keys, bits } of words) {
    for (let shift = 0; shift < bits; shift += DIGIT_BITS) {
      if (!countingPass(keys, shift, order, spare)) continue
      const sorted = spare
      spare = order
      order = sorted
    }
  }
  return framed(order, values, height, width)
}

interface Word {
  readonly keys: Uint32Array
  /** Low bits of the keys that may differ. */
  readonly bits: number
}

/** Unsigned keys in the order of the values, least significant word first. */
function sortKeys(values: GreyMap, descending: boolean): Word[] {
  const flip = descending ? 0xffffffff : 0
  if (values instanceof Float64Array || values instanceof Float32Array) {
    checkFinite(values)
    const double = values instanceof Float64Array
    // Adding 0 turns -0 into +0, so that both are one value.
    const clean = values.slice()
    for (let i = 0; i < clean.length; i++) clean[i] = clean[i]! + 0
    const bits = new Uint32Array(clean.buffer)
    const low = new Uint32Array(double ? values.length : 0)
    const high = new Uint32Array(values.length)
    for (let i = 0; i < values.length; i++) {
      const top = double ? bits[2 * i + 1]! : bits[i]!
      // Negative floats sort by their inverted bits, positive ones above them.
      const inverted = top >>> 31 === 1
      high[i] = (inverted ? ~top : top ^ 0x80000000) ^ flip
      if (double) low[i] = (inverted ? ~bits[2 * i]! : bits[2 * i]!) ^ flip
    }
    return double
      ? [
          { keys: low, bits: 32 },
          { keys: high, bits: 32 },
        ]
      : [{ keys: high, bits: 32 }]
  }
  const narrow = values instanceof Uint8Array || values instanceof Uint16Array
  const signed = values instanceof Int8Array || values instanceof Int16Array || values instanceof Int32Array
  const offset = (signed ? 0x80000000 : 0) ^ (narrow ? flip & 0xffff : flip)
  const keys = new Uint32Array(values.length)
  for (let i = 0; i < keys.length; i++) keys[i] = values[i]! ^ offset
  return [{ keys, bits: narrow ? 16 : 32 }]
}

function checkFinite(values: Float32Array | Float64Array): void {
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new SeptumError(
        'topology-values',
        `Pixel ${i} of the grey map is ${values[i]}`,
        'Persistent homology needs finite values; repair the map first.',
      )
    }
  }
}

/** One stable pass over a digit. @returns false, and nothing moved, where all keys share the digit. */
function countingPass(keys: Uint32Array, shift: number, from: Int32Array, to: Int32Array): boolean {
  const starts = new Int32Array(BUCKETS)
  for (let i = 0; i < keys.length; i++) starts[(keys[i]! >>> shift) & (BUCKETS - 1)]!++
  if (starts[(keys[0]! >>> shift) & (BUCKETS - 1)] === keys.length) return false
  let sum = 0
  for (let bucket = 0; bucket < BUCKETS; bucket++) {
    const count = starts[bucket]!
    starts[bucket] = sum
    sum += count
  }
  for (let i = 0; i < from.length; i++) {
    const pixel = from[i]!
    to[starts[(keys[pixel]! >>> shift) & (BUCKETS - 1)]!++] = pixel
  }
  return true
}

function framed(order: Int32Array, values: GreyMap, height: number, width: number): PixelOrder {
  const pixels = order.length
  const stride = width + 2
  const place = new Int32Array(pixels)
  const rank = new Int32Array(stride * (height + 2)).fill(pixels)
  const level = new Int32Array(pixels)
  for (let k = 0; k < pixels; k++) {
    const pixel = order[k]!
    const row = Math.floor(pixel / width)
    const at = pixel + stride + 1 + 2 * row
    place[k] = at
    rank[at] = k
    if (k > 0) level[k] = level[k - 1]! + (values[pixel] === values[order[k - 1]!] ? 0 : 1)
  }
  return { height, width, stride, place, rank, level }
}

/** The pixel, row by row without the frame, at a place of a `PixelOrder`. */
export function pixelAt(place: number, stride: number): number {
  const row = Math.floor(place / stride)
  return place - stride - 1 - 2 * (row - 1)
}
