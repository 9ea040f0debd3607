import zlib from 'node:zlib'

/** Signature, and the first chunk (PNG, clauses 5.2 and 11.2.2). */
const FIRST_CHUNK = 8
const IHDR_BYTES = 13
/** Type and checksum of a chunk, and its length: bytes around its data. */
const AROUND = 12

/** Absent from Node before 20.15, where the decoder reads all pictures. */
const crc32: typeof zlib.crc32 | undefined = zlib.crc32

const GREY = 0
const PALETTE = 3

/** Larger pictures, and those that compress badly, are quicker on the decoder's threads. */
const MOST_PIXELS = 2 ** 22
const FEWEST_PIXELS_A_BYTE = 8

interface Chunks {
  readonly depth: number
  readonly palette: Uint8Array | null
  readonly compressed: Uint8Array
}

/**
 * Decodes the PNG of a label map: grey or palette, up to 8 bits, not interlaced, and compressed as well as label maps
 * are. A third of the decoder's time, most of which goes into starting it.
 *
 * Strict, and never the judge: whatever is not exactly as the standard wants it gives undefined, and the decoder says
 * what is wrong with it, if anything.
 * @returns samples [H, W] as stored, or [3, H, W] of a palette.
 */
export function decodeLabelPng(bytes: Uint8Array, width: number, height: number): Uint8Array | undefined {
  const pixels = width * height
  if (!crc32 || pixels > MOST_PIXELS || bytes.length * FEWEST_PIXELS_A_BYTE > pixels) return undefined
  const chunks = readChunks(bytes, width, height)
  if (!chunks) return undefined
  const { depth, palette, compressed } = chunks
  const stride = Math.ceil((width * depth) / 8)
  const rows = inflated(compressed, (1 + stride) * height)
  if (!rows || !unfilter(rows, stride, height)) return undefined
  const values = unpack(rows, stride, width, height, depth)
  return palette ? coloured(values, palette) : values
}

/** Known chunks in the order of clause 5.6, each with its checksum; undefined for anything else. */
function readChunks(bytes: Uint8Array, width: number, height: number): Chunks | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const parts: Uint8Array[] = []
  let header: { depth: number; colour: number } | undefined
  let palette: Uint8Array | null = null
  let closed = false
  for (let at = FIRST_CHUNK; at + AROUND <= bytes.length; ) {
    const length = view.getUint32(at)
    if (at + AROUND + length > bytes.length) return undefined
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8))
    const data = bytes.subarray(at + 8, at + 8 + length)
    if (crc32!(bytes.subarray(at + 4, at + 8 + length)) !== view.getUint32(at + 8 + length)) return undefined
    if ((header === undefined) !== (type === 'IHDR')) return undefined
    if (parts.length > 0 && type !== 'IDAT') closed = true
    switch (type) {
      case 'IHDR': {
        if (length !== IHDR_BYTES || view.getUint32(at + 8) !== width || view.getUint32(at + 12) !== height)
          return undefined
        const [depth, colour, compression, filter, interlace] = data.subarray(8) as unknown as number[]
        const plain = compression === 0 && filter === 0 && interlace === 0
        if (!plain || !(colour === GREY || colour === PALETTE)) return undefined
        if (depth !== 1 && depth !== 2 && depth !== 4 && depth !== 8) return undefined
        header = { depth, colour }
        break
      }
      case 'PLTE':
        if (palette || parts.length > 0 || length === 0 || length % 3 !== 0 || length > 768) return undefined
        palette = data
        break
      case 'IDAT':
        if (closed) return undefined
        parts.push(data)
        break
      case 'IEND': {
        const { depth, colour } = header!
        if (length !== 0 || parts.length === 0 || (colour === PALETTE) !== (palette !== null))
          return undefined
        return { depth, palette, compressed: parts.length === 1 ? parts[0]! : Buffer.concat(parts) }
      }
      default:
        // Whoever does not know a chunk whose name begins with a capital cannot show the picture.
        if (!/^[a-z][A-Za-z]{3}$/.test(type)) return undefined
    }
    at += AROUND + length
  }
  return undefined
}

function inflated(compressed: Uint8Array, length: number): Uint8Array | undefined {
  try {
    // One buffer of the right size; more than that is an error before it is written.
    const out = zlib.inflateSync(compressed, { chunkSize: Math.max(64, length), maxOutputLength: length })
    // A Buffer is no plain array of bytes: its `slice` shares memory.
    return out.length === length ? new Uint8Array(out.buffer, out.byteOffset, length) : undefined
  } catch {
    return undefined
  }
}

/** Undoes the filter of each row in place (clause 9); samples of a byte or less, so that the pixel to the left is one byte. */
function unfilter(rows: Uint8Array, stride: number, height: number): boolean {
  let above: Uint8Array = new Uint8Array(stride)
  for (let row = 0; row < height; row++) {
    const start = row * (stride + 1) + 1
    const line = rows.subarray(start, start + stride)
    switch (rows[start - 1]) {
      case 0:
        break
      case 1:
        for (let i = 1; i < stride; i++) line[i] = line[i]! + line[i - 1]!
        break
      case 2:
        for (let i = 0; i < stride; i++) line[i] = line[i]! + above[i]!
        break
      case 3:
        for (let i = 0; i < stride; i++) {
          line[i] = line[i]! + (((i > 0 ? line[i - 1]! : 0) + above[i]!) >> 1)
        }
        break
      case 4:
        for (let i = 0; i < stride; i++) {
          line[i] = line[i]! + (i > 0 ? nearestOf(line[i - 1]!, above[i]!, above[i - 1]!) : above[i]!)
        }
        break
      default:
        return false
    }
    above = line
  }
  return true
}

/** Paeth's predictor: whichever of left, above and upper left is nearest to left + above - upper left. */
function nearestOf(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner)
  const toAbove = Math.abs(left - corner)
  const toCorner = Math.abs(left + above - 2 * corner)
  return toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner
}

/**
 * One byte a sample; narrower ones begin in the high bits of a byte, and every row in a byte of its own. Whole bytes are
 * moved together where they lie.
 */
function unpack(rows: Uint8Array, stride: number, width: number, height: number, depth: number): Uint8Array {
  const out = depth === 8 ? rows.subarray(0, width * height) : new Uint8Array(width * height)
  for (let row = 0; row < height; row++) {
    const from = row * (stride + 1) + 1
    const to = row * width
    if (depth === 8) rows.copyWithin(to, from, from + width)
    else {
      for (let x = 0; x < width; x++) {
        const bit = x * depth
        out[to + x] = (rows[from + (bit >> 3)]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
      }
    }
  }
  return out
}

function coloured(indices: Uint8Array, palette: Uint8Array): Uint8Array | undefined {
  const pixels = indices.length
  const out = new Uint8Array(3 * pixels)
  for (let i = 0; i < pixels; i++) {
    const at = 3 * indices[i]!
    if (at >= palette.length) return undefined
    out[i] = palette[at]!
    out[pixels + i] = palette[at + 1]!
    out[2 * pixels + i] = palette[at + 2]!
  }
  return out
}
