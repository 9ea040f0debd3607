import { broken } from '../../problem.js'

/** One colour of a JPEG scan. */
export interface JpegComponent {
  readonly id: number
  readonly horizontal: number
  readonly vertical: number
  readonly quantisation: number
}

/** The frame header (ITU-T T.81, B.2.2). */
export interface JpegFrame {
  /** Number of the SOF marker: 0 baseline, 1 extended, 3 lossless, 55 JPEG-LS. */
  readonly process: number
  readonly precision: number
  readonly rows: number
  readonly columns: number
  readonly components: readonly JpegComponent[]
}

/** The scan header (B.2.3) and the entropy-coded bytes that follow it. */
export interface JpegScan {
  readonly components: readonly { readonly id: number; readonly dc: number; readonly ac: number }[]
  /** Predictor of lossless scans; first coefficient of others. */
  readonly start: number
  /** Point transform. */
  readonly low: number
  readonly data: Uint8Array
}

/** Code lengths and values of a Huffman table (B.2.4.2). */
export interface HuffmanSpec {
  readonly counts: Uint8Array
  readonly values: Uint8Array
}

export interface JpegPicture {
  readonly frame: JpegFrame
  readonly scans: readonly JpegScan[]
  /** By class (0 DC and lossless, 1 AC) * 4 + number. */
  readonly huffman: ReadonlyMap<number, HuffmanSpec>
  readonly quantisation: ReadonlyMap<number, Uint16Array>
  readonly restartInterval: number
}

const hasNoLength = (marker: number) => marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)

/**
 * Splits a JPEG picture at its markers (ITU-T T.81 annex B).
 * @param headerOnly stops behind the frame header.
 * @throws SeptumError `dicom-broken` when a marker or its segment is missing.
 */
export function readJpeg(bytes: Uint8Array, file: string, headerOnly = false): JpegPicture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const huffman = new Map<number, HuffmanSpec>()
  const quantisation = new Map<number, Uint16Array>()
  const scans: JpegScan[] = []
  let frame: JpegFrame | undefined
  let restartInterval = 0
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) broken(file, 'its JPEG data does not begin')
  for (let at = 2; ; ) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at++
    if (bytes[at] !== 0xff || at + 2 > bytes.length) broken(file, 'a JPEG marker is missing')
    const marker = bytes[at + 1]!
    at += 2
    if (marker === 0xd9) break
    if (hasNoLength(marker)) continue
    const length = at + 2 <= bytes.length ? view.getUint16(at) : 0
    if (length < 2 || at + length > bytes.length) broken(file, 'a JPEG segment is cut off')
    const body = bytes.subarray(at + 2, at + length)
    at += length
    if (marker === 0xc4) readHuffman(body, huffman, file)
    else if (marker === 0xdb) readQuantisation(body, quantisation, file)
    else if (marker === 0xdd) restartInterval = body.length >= 2 ? (body[0]! << 8) | body[1]! : 0
    else if (marker === 0xda) {
      const end = scanEnd(bytes, at)
      scans.push(readScan(body, bytes.subarray(at, end), file))
      if (end >= bytes.length) broken(file, 'its JPEG data is cut off')
      at = end
    } else if ((marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) || marker === 0xf7) {
      if (frame) broken(file, 'its JPEG data has two frames')
      frame = readFrame(marker - 0xc0, body, file)
      if (headerOnly) break
    }
  }
  if (!frame) broken(file, 'its JPEG data has no frame')
  return { frame, scans, huffman, quantisation, restartInterval }
}

function readFrame(process: number, body: Uint8Array, file: string): JpegFrame {
  const count = body[5] ?? 0
  if (body.length < 6 + 3 * count || count === 0 || count > 4)
    broken(file, 'its JPEG frame header is damaged')
  const components = Array.from({ length: count }, (_, i) => ({
    id: body[6 + 3 * i]!,
    horizontal: body[7 + 3 * i]! >> 4,
    vertical: body[7 + 3 * i]! & 15,
    quantisation: body[8 + 3 * i]!,
  }))
  return {
    process,
    precision: body[0]!,
    rows: (body[1]! << 8) | body[2]!,
    columns: (body[3]! << 8) | body[4]!,
    components,
  }
}

function readScan(body: Uint8Array, data: Uint8Array, file: string): JpegScan {
  const count = body[0] ?? 0
  if (body.length < 4 + 2 * count) broken(file, 'its JPEG scan header is damaged')
  const components = Array.from({ length: count }, (_, i) => ({
    id: body[1 + 2 * i]!,
    dc: body[2 + 2 * i]! >> 4,
    ac: body[2 + 2 * i]! & 15,
  }))
  return { components, start: body[1 + 2 * count]!, low: body[3 + 2 * count]! & 15, data }
}

function readHuffman(body: Uint8Array, tables: Map<number, HuffmanSpec>, file: string): void {
  for (let at = 0; at < body.length; ) {
    const head = body[at]!
    const counts = body.subarray(at + 1, at + 17)
    const total = counts.reduce((sum, count) => sum + count, 0)
    at += 17 + total
    if (counts.length < 16 || at > body.length) broken(file, 'a Huffman table is cut off')
    tables.set((head >> 4) * 4 + (head & 15), { counts, values: body.subarray(at - total, at) })
  }
}

function readQuantisation(body: Uint8Array, tables: Map<number, Uint16Array>, file: string): void {
  for (let at = 0; at < body.length; ) {
    const wide = body[at]! >> 4 > 0
    const number = body[at]! & 15
    const size = wide ? 128 : 64
    if (at + 1 + size > body.length) broken(file, 'a quantisation table is cut off')
    const table = Uint16Array.from({ length: 64 }, (_, i) =>
      wide ? (body[at + 1 + 2 * i]! << 8) | body[at + 2 + 2 * i]! : body[at + 1 + i]!,
    )
    tables.set(number, table)
    at += 1 + size
  }
}

/** The next marker that is neither a stuffed zero nor a restart. */
function scanEnd(bytes: Uint8Array, start: number): number {
  for (let at = start; ; at++) {
    at = bytes.indexOf(0xff, at)
    if (at < 0 || at + 1 >= bytes.length) return bytes.length
    const next = bytes[at + 1]!
    if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return at
  }
}
