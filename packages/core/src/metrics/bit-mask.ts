import { SeptumError } from '../error.js'

/** A binary mask, 32 pixels to a word, lowest bit first; bits past `length` are 0. */
export interface BitMask {
  readonly words: Uint32Array
  /** Number of pixels. */
  readonly length: number
  /** Number of marked pixels. */
  readonly count: number
}

/**
 * Packs a mask, a probability map or logits, one bit a pixel.
 * @param values [pixels] in any order that all compared masks share.
 * @param above a pixel is marked where its value exceeds this: 0 for masks (0/1, 0/255) and logits,
 * 0.5 for probabilities.
 */
export function packMask(values: ArrayLike<number>, above = 0): BitMask {
  const words = new Uint32Array(Math.ceil(values.length / 32))
  let count = 0
  for (let index = 0; index < words.length; index++) {
    const start = index * 32
    const bits = Math.min(32, values.length - start)
    let word = 0
    for (let bit = 0; bit < bits; bit++) word |= (values[start + bit]! > above ? 1 : 0) << bit
    words[index] = word
    count += popcount(word)
  }
  return { words, length: values.length, count }
}

/** @returns the mask as one byte a pixel, 0 or 1. */
export function unpackMask(mask: BitMask): Uint8Array {
  return Uint8Array.from({ length: mask.length }, (_, i) => (mask.words[i >>> 5]! >>> (i & 31)) & 1)
}

/** Number of set bits of a 32-bit word. */
export function popcount(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Pixels marked in both masks. @throws SeptumError `mask-size` when the sizes differ. */
export function countBoth(a: BitMask, b: BitMask): number {
  if (a.length !== b.length) {
    throw new SeptumError(
      'mask-size',
      `Masks of ${a.length} and ${b.length} pixels cannot be compared`,
      'Bring both masks to the size of the reference first.',
    )
  }
  const { words } = a
  const others = b.words
  let count = 0
  for (let i = 0; i < words.length; i++) count += popcount(words[i]! & others[i]!)
  return count
}
