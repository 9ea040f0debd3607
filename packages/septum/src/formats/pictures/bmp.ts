import { open } from 'node:fs/promises'
import type { MedicalImage } from '@septum/core'
import type { ImageFormat, ImageHeader, ReadLimits } from '../format.js'
import { unreadable } from '../problem.js'
import { unpackRle } from './bmp-rle.js'
import { broken, checkSize, unsupported } from './problem.js'

/** What the headers of a BMP file say. */
interface BmpHeader {
  readonly width: number
  readonly height: number
  /** Rows run from the top; the usual way is from the bottom. */
  readonly topDown: boolean
  readonly bits: number
  /** Runs instead of rows: of 8-bit or 4-bit indices. */
  readonly runs: boolean
  /** First byte of the pixels. */
  readonly offset: number
  /** Red, green, blue of each index. */
  readonly palette?: readonly (readonly [number, number, number])[]
  /** Bits of red, green and blue in a pixel of 16 or 32 bits. */
  readonly masks: readonly [number, number, number]
  readonly channels: 1 | 3
}

const RUNS_8 = 1
const RUNS_4 = 2
const BIT_FIELDS = 3
const ALPHA_BIT_FIELDS = 6
/** 5 bits each; 8 bits each. */
const MASKS_16 = [0x7c00, 0x03e0, 0x001f] as const
const MASKS_32 = [0xff0000, 0x00ff00, 0x0000ff] as const

/** Windows bitmaps: 1, 4 and 8 bits with a palette, also in runs; 16, 24 and 32 bits. Alpha is dropped. */
export const bmpFormat: ImageFormat = {
  name: 'BMP',
  extensions: ['.bmp', '.dib'],
  recognises: (head) => head[0] === 0x42 && head[1] === 0x4d && headerSize(head) !== undefined,
  async readHeader(file, limits): Promise<ImageHeader> {
    const { channels, height, width } = parseHeader(await bytesOf(file), file, limits)
    return { format: 'BMP', shape: [channels, height, width], maxValue: 255, sampleType: 'uint8', notes: [] }
  },
  async read(file, limits): Promise<MedicalImage> {
    const bytes = await bytesOf(file)
    const header = parseHeader(bytes, file, limits)
    const { channels, height, width } = header
    return { data: decode(bytes, header, file), shape: [channels, height, width], maxValue: 255 }
  },
}

/** Rows without compression: nothing in a BMP is larger in memory than four times its file, but runs. */
async function bytesOf(file: string): Promise<Uint8Array> {
  try {
    await using handle = await open(file)
    const { size } = await handle.stat()
    // 134 million pixels of 4 bytes and their headers.
    if (size > 2 ** 29 + 2 ** 16) throw new Error('it is larger than any picture that is read')
    return new Uint8Array(await handle.readFile())
  } catch (cause) {
    throw unreadable(file, cause)
  }
}

/** The size of the second header tells its version: 12 (OS/2), 40, 52, 56, 108 or 124 (Windows). */
function headerSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < 26) return undefined
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(14, true)
  return [12, 40, 52, 56, 64, 108, 124].includes(size) ? size : undefined
}

function parseHeader(bytes: Uint8Array, file: string, { maxBytes }: ReadLimits): BmpHeader {
  const size = headerSize(bytes)
  if (size === undefined || bytes.length < 14 + size) broken(file, 'the BMP header is incomplete')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const old = size === 12
  const width = old ? view.getUint16(18, true) : view.getInt32(18, true)
  const rows = old ? view.getInt16(20, true) : view.getInt32(22, true)
  const bits = view.getUint16(old ? 24 : 28, true)
  const compression = old ? 0 : view.getUint32(30, true)
  const height = Math.abs(rows)
  if (width <= 0 || height === 0) broken(file, 'the BMP header gives no size')
  if (![1, 4, 8, 16, 24, 32].includes(bits)) broken(file, 'its bits per pixel are impossible')
  checkSize(width, height, 3 * width * height, maxBytes, file)
  const runs = (compression === RUNS_8 && bits === 8) || (compression === RUNS_4 && bits === 4)
  const fields = compression === BIT_FIELDS || compression === ALPHA_BIT_FIELDS
  if (!runs && compression !== 0 && !(fields && bits >= 16 && bits !== 24)) {
    unsupported(file, 'a compression inside a BMP')
  }
  const offset = view.getUint32(10, true)
  const palette = bits <= 8 ? readPalette(bytes, view, size, bits, file) : undefined
  if (!runs && offset + rowBytes(width, bits) * height > bytes.length) broken(file, 'its pixels are cut off')
  if (offset < 14 + size || offset > bytes.length) broken(file, 'its pixels lie outside the file')
  if (fields && bytes.length < 66) broken(file, 'its colour masks are missing')
  const given = [54, 58, 62].map((at) => (fields ? view.getUint32(at, true) : 0)) as [number, number, number]
  const grey = palette?.every(([r, g, b]) => r === g && g === b) ?? false
  return {
    width,
    height,
    topDown: rows < 0,
    bits,
    runs,
    offset,
    ...(palette && { palette }),
    masks: fields ? given : bits === 16 ? MASKS_16 : MASKS_32,
    channels: grey ? 1 : 3,
  }
}

function readPalette(bytes: Uint8Array, view: DataView, size: number, bits: number, file: string) {
  const old = size === 12
  const entry = old ? 3 : 4
  const stated = old ? 0 : view.getUint32(46, true)
  const count = stated === 0 ? 2 ** bits : stated
  const start = 14 + size
  if (count > 2 ** bits || start + count * entry > bytes.length) broken(file, 'its palette is cut off')
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * entry
    return [bytes[at + 2]!, bytes[at + 1]!, bytes[at]!] as const
  })
}

/** Rows are padded to four bytes. */
function rowBytes(width: number, bits: number): number {
  return Math.ceil((width * bits) / 32) * 4
}

function decode(bytes: Uint8Array, header: BmpHeader, file: string): Uint8Array {
  const { width, height, topDown, bits, runs, offset, palette, masks, channels } = header
  const pixels = width * height
  const out = new Uint8Array(channels * pixels)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const indices = runs ? unpackRle(bytes.subarray(offset), width, height, bits, file) : undefined
  const stride = rowBytes(width, bits)
  const scale = masks.map(fieldScale)
  for (let row = 0; row < height; row++) {
    const to = (topDown ? row : height - 1 - row) * width
    const from = offset + row * stride
    for (let x = 0; x < width; x++) {
      if (palette) {
        const index = indices ? indices[row * width + x]! : bitsAt(bytes, from, x, bits)
        const colour = palette[index]
        if (!colour) broken(file, 'an index lies outside its palette')
        for (let channel = 0; channel < channels; channel++) out[channel * pixels + to + x] = colour[channel]!
        continue
      }
      for (let channel = 0; channel < 3; channel++) {
        const at = channel * pixels + to + x
        if (bits === 24) out[at] = bytes[from + 3 * x + 2 - channel]!
        else {
          const value = bits === 16 ? view.getUint16(from + 2 * x, true) : view.getUint32(from + 4 * x, true)
          out[at] = scale[channel]!(value)
        }
      }
    }
  }
  return out
}

function bitsAt(bytes: Uint8Array, row: number, x: number, bits: number): number {
  const bit = x * bits
  return (bytes[row + (bit >> 3)]! >> (8 - bits - (bit & 7))) & (2 ** bits - 1)
}

/** Takes the bits of one mask and stretches them to 0 to 255. */
function fieldScale(mask: number): (value: number) => number {
  if (mask === 0) return () => 0
  const shift = 31 - Math.clz32(mask & -mask)
  const largest = mask >>> shift
  return (value) => Math.round((((value & mask) >>> shift) * 255) / largest)
}
