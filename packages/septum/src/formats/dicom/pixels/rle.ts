import type { PixelLayout } from '../pixel-layout.js'
import { broken } from '../problem.js'
import type { DecodedFrame } from './stored.js'

/** 64 bytes: the number of segments and the offsets of up to 15 (PS3.5 G.5). */
const HEADER = 64

/**
 * Unpacks a frame of RLE (PackBits) segments, one for each byte of each colour, the highest byte first
 * (PS3.5 annex G).
 * @throws SeptumError `dicom-broken` for segments that are missing, out of order or too short.
 */
export function decodeRle(bytes: Uint8Array, layout: PixelLayout, file: string): DecodedFrame {
  const { rows, columns, samples, bitsAllocated } = layout
  const bytesEach = bitsAllocated >> 3
  const pixels = rows * columns
  const segments = samples * bytesEach
  if (bytes.length < HEADER || bytesEach === 0) broken(file, 'its RLE header is missing')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== segments)
    broken(file, 'its number of RLE segments does not fit its samples')
  const out = new Uint8Array(pixels * segments)
  for (let segment = 0; segment < segments; segment++) {
    const start = view.getUint32(4 + 4 * segment, true)
    const end = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : bytes.length
    if (start < HEADER || end < start || end > bytes.length) broken(file, 'an RLE segment lies outside')
    const colour = Math.floor(segment / bytesEach)
    // The file has the highest byte first; typed arrays of every machine that runs Node have it last.
    const byte = bytesEach - 1 - (segment % bytesEach)
    unpack(bytes.subarray(start, end), out, colour * bytesEach + byte, segments, pixels, file)
  }
  if (bytesEach === 1) return { samples: out }
  return { samples: bytesEach === 2 ? new Uint16Array(out.buffer) : new Uint32Array(out.buffer) }
}

function unpack(
  packed: Uint8Array,
  out: Uint8Array,
  first: number,
  stride: number,
  count: number,
  file: string,
): void {
  let written = 0
  for (let at = 0; written < count; ) {
    if (at >= packed.length) broken(file, 'an RLE segment is cut off')
    const control = packed[at++]!
    if (control === 128) continue
    const run = control > 128 ? 257 - control : control + 1
    const take = Math.min(run, count - written)
    if (at + (control > 128 ? 1 : take) > packed.length) broken(file, 'an RLE segment is cut off')
    for (let i = 0; i < take; i++) {
      out[first + stride * written++] = packed[control > 128 ? at : at + i]!
    }
    at += control > 128 ? 1 : run
  }
}
