import type { ImageSamples } from '@septum/core'
import { broken } from '../problem.js'
import type { TiffPage } from './page.js'

/**
 * Undoes the predictor of an unpacked strip or tile in place and brings it into the byte order of this machine.
 * @param width pixels of a row of the block. @param samples of a pixel in the block.
 * @returns the samples, row by row.
 * @throws SeptumError `picture-broken` for a predictor that the samples cannot have.
 */
export function blockSamples(
  bytes: Uint8Array,
  { bits, kind, predictor }: TiffPage,
  width: number,
  samples: number,
  littleEndian: boolean,
  file: string,
): ImageSamples {
  if (bits < 8) return unpackSmall(bytes, bits, width * samples)
  const size = bits / 8
  // A copy of its own: aligned, and not shared with what was read.
  let own = Uint8Array.from(bytes)
  if (predictor === 3) {
    if (kind !== 'float') broken(file, 'its predictor is for floats')
    own = joinFloatBytes(own, size, width * samples, samples)
  } else if (!littleEndian && size > 1) swap(own, size)
  const out = typed(own, bits, kind)
  if (predictor === 2) {
    if (kind === 'float') broken(file, 'its predictor is for whole numbers')
    const row = width * samples
    for (let start = 0; start < out.length; start += row) {
      for (let i = start + samples; i < Math.min(start + row, out.length); i++) out[i]! += out[i - samples]!
    }
  } else if (predictor !== 1 && predictor !== 3) broken(file, 'its predictor is unknown')
  return out
}

function typed(bytes: Uint8Array, bits: number, kind: TiffPage['kind']): ImageSamples {
  const { buffer } = bytes
  if (kind === 'float') return bits === 64 ? new Float64Array(buffer) : new Float32Array(buffer)
  if (bits === 8) return kind === 'int' ? new Int8Array(buffer) : bytes
  if (bits === 16) return kind === 'int' ? new Int16Array(buffer) : new Uint16Array(buffer)
  return kind === 'int' ? new Int32Array(buffer) : new Uint32Array(buffer)
}

/** 1, 2 or 4 bits, the highest first; rows begin at a byte. @param row samples of a row. */
function unpackSmall(bytes: Uint8Array, bits: number, row: number): Uint8Array {
  const stride = Math.ceil((row * bits) / 8)
  const rows = bytes.length / stride
  const out = new Uint8Array(rows * row)
  const each = 8 / bits
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < row; x++) {
      const byte = bytes[y * stride + Math.floor(x / each)]!
      out[y * row + x] = (byte >> (8 - bits - (x % each) * bits)) & (2 ** bits - 1)
    }
  }
  return out
}

/**
 * Predictor 3 (Adobe's TIFF technical note 3): a row has the highest bytes of all its floats, then the next ones,
 * as differences.
 */
function joinFloatBytes(
  bytes: Uint8Array,
  size: number,
  row: number,
  samples: number,
): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(bytes.length)
  const stride = row * size
  for (let start = 0; start + stride <= bytes.length; start += stride) {
    for (let i = start + samples; i < start + stride; i++) bytes[i]! += bytes[i - samples]!
    for (let i = 0; i < row; i++) {
      for (let byte = 0; byte < size; byte++)
        out[start + i * size + byte] = bytes[start + (size - 1 - byte) * row + i]!
    }
  }
  return out
}

function swap(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (size === 2) buffer.swap16()
  else if (size === 4) buffer.swap32()
  else buffer.swap64()
}
