import { inflateSync } from 'node:zlib'
import { broken } from '../problem.js'

/**
 * Unpacks a strip or tile.
 * @param size bytes that it must have.
 * @throws SeptumError `picture-broken` when it has fewer, or is damaged.
 */
export function unpackBlock(packed: Uint8Array, compression: number, size: number, file: string): Uint8Array {
  const out = unpack(packed, compression, size, file)
  if (out.length < size) broken(file, 'a strip or tile is cut off')
  return out.subarray(0, size)
}

function unpack(packed: Uint8Array, compression: number, size: number, file: string): Uint8Array {
  switch (compression) {
    case 1:
      return packed
    case 5:
      return unpackLzw(packed, size, file)
    case 32773:
      return unpackBits(packed, size)
    default:
      try {
        // A strip may be padded a little; a bomb is not inflated.
        return inflateSync(packed, { maxOutputLength: size + 2 ** 16 })
      } catch {
        return broken(file, 'a strip or tile cannot be unpacked')
      }
  }
}

/** PackBits (TIFF 6.0, section 9). */
function unpackBits(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size)
  let written = 0
  for (let at = 0; at < packed.length && written < size; ) {
    const control = packed[at++]!
    if (control === 128) continue
    if (control > 128) {
      const end = Math.min(written + 257 - control, size)
      if (at >= packed.length) break
      out.fill(packed[at++]!, written, end)
      written = end
    } else {
      const literal = packed.subarray(at, Math.min(at + control + 1, at + size - written))
      out.set(literal, written)
      written += literal.length
      at += control + 1
    }
  }
  return out.subarray(0, written)
}

const CLEAR = 256
const END = 257
const MOST_CODES = 4096

/** LZW with codes of 9 to 12 bits, the highest bit first (TIFF 6.0, section 13). */
function unpackLzw(packed: Uint8Array, size: number, file: string): Uint8Array {
  const out = new Uint8Array(size)
  // Each code is a byte behind an earlier code; `lengths` tells how many bytes it stands for.
  const prefixes = new Uint16Array(MOST_CODES)
  const lasts = new Uint8Array(MOST_CODES)
  const lengths = new Uint16Array(MOST_CODES)
  for (let code = 0; code < 256; code++) {
    lasts[code] = code
    lengths[code] = 1
  }
  let [next, width, bits, count, written] = [258, 9, 0, 0, 0]
  let previous = -1
  for (let at = 0; written < size; ) {
    while (count < width && at < packed.length) {
      bits = ((bits << 8) | packed[at++]!) & 0xffffff
      count += 8
    }
    if (count < width) break
    const code = (bits >>> (count - width)) & ((1 << width) - 1)
    count -= width
    if (code === END) break
    if (code === CLEAR) {
      next = 258
      width = 9
      previous = -1
      continue
    }
    if (code > next || (code === next && previous < 0) || (code >= 256 && code < 258)) {
      broken(file, 'a strip or tile holds an unknown code')
    }
    const known = code < next ? code : previous
    const length = lengths[known]!
    const start = written
    for (let i = length - 1, walk = known; i >= 0; i--, walk = prefixes[walk]!) {
      if (start + i < size) out[start + i] = lasts[walk]!
    }
    written += length
    if (code === next && written < size) out[written] = out[start]!
    if (code === next) written++
    if (previous >= 0 && next < MOST_CODES) {
      prefixes[next] = previous
      lasts[next] = out[start]!
      lengths[next] = lengths[previous]! + 1
      next++
    }
    previous = code
    // The code grows one entry early, as all writers have it since 1988.
    width = next >= 2047 ? 12 : next >= 1023 ? 11 : next >= 511 ? 10 : 9
  }
  return out.subarray(0, Math.min(written, size))
}
