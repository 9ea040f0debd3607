import { broken } from './problem.js'

const END_OF_LINE = 0
const END_OF_PICTURE = 1
const MOVE = 2

/**
 * Unpacks the run-length coding of BMP (RLE8, RLE4): pairs of a count and an index, or of 0 and an order. Pixels
 * that are jumped over have index 0.
 * @returns indices, the bottom row first.
 * @throws SeptumError `picture-broken` for runs beyond the picture or the end.
 */
export function unpackRle(
  packed: Uint8Array,
  width: number,
  height: number,
  bits: number,
  file: string,
): Uint8Array {
  const out = new Uint8Array(width * height)
  let [x, y, at] = [0, 0, 0]
  const put = (index: number) => {
    if (x >= width || y >= height) broken(file, 'a run leaves the picture')
    out[y * width + x++] = index
  }
  const nibble = (byte: number, i: number) => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15)
  for (;;) {
    if (at + 2 > packed.length) broken(file, 'its runs are cut off')
    const count = packed[at]!
    const value = packed[at + 1]!
    at += 2
    if (count > 0) for (let i = 0; i < count; i++) put(nibble(value, i))
    else if (value === END_OF_PICTURE) return out
    else if (value === END_OF_LINE) {
      x = 0
      y++
    } else if (value === MOVE) {
      if (at + 2 > packed.length) broken(file, 'its runs are cut off')
      x += packed[at]!
      y += packed[at + 1]!
      at += 2
    } else {
      const bytes = bits === 8 ? value : (value + 1) >> 1
      if (at + bytes > packed.length) broken(file, 'its runs are cut off')
      for (let i = 0; i < value; i++) put(nibble(packed[at + (bits === 8 ? i : i >> 1)]!, i))
      // Literal pixels are padded to two bytes.
      at += bytes + (bytes % 2)
    }
  }
}
