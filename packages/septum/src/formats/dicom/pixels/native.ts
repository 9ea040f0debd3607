import { swapBytes } from '../../volume/samples.js'
import type { PixelLayout } from '../pixel-layout.js'
import { type DecodedFrame, interleavePlanes, type StoredSamples } from './stored.js'

/** Unpacks one frame of uncompressed samples. @param index of the frame, for single bits. */
export function decodeNative(
  bytes: Uint8Array,
  layout: PixelLayout,
  littleEndian: boolean,
  index: number,
): DecodedFrame {
  const { rows, columns, bitsAllocated, photometric, planar } = layout
  if (bitsAllocated === 1) return { samples: unpackBits(bytes, index * rows * columns, rows * columns) }
  if (photometric === 'YBR_FULL_422') return { samples: spreadColours(bytes, rows * columns) }
  const samples = typed(bytes, layout, littleEndian)
  return { samples: planar ? interleavePlanes(samples) : samples }
}

/** Single bits, the lowest bit of a byte first (PS3.5 8.1.1); frames follow one another without padding. */
export function unpackBits(bytes: Uint8Array, from: number, count: number): Uint8Array {
  const out = new Uint8Array(count)
  for (let i = 0; i < count; i++) out[i] = (bytes[(from + i) >> 3]! >> ((from + i) & 7)) & 1
  return out
}

function typed(
  bytes: Uint8Array,
  { bitsAllocated, float }: PixelLayout,
  littleEndian: boolean,
): StoredSamples {
  if (bitsAllocated === 8) return bytes
  const size = bitsAllocated / 8
  const copy = Uint8Array.from(bytes)
  if (!littleEndian) swapBytes(copy, size)
  if (float) return size === 4 ? new Float32Array(copy.buffer) : new Float64Array(copy.buffer)
  return size === 2 ? new Uint16Array(copy.buffer) : new Uint32Array(copy.buffer)
}

/** Y1 Y2 Cb Cr for each two pixels becomes Y Cb Cr for each. */
function spreadColours(bytes: Uint8Array, pixels: number): Uint8Array {
  const out = new Uint8Array(pixels * 3)
  for (let pixel = 0; pixel < pixels; pixel++) {
    const pair = (pixel >> 1) * 4
    out[3 * pixel] = bytes[pair + (pixel & 1)]!
    out[3 * pixel + 1] = bytes[pair + 2]!
    out[3 * pixel + 2] = bytes[pair + 3]!
  }
  return out
}
