import type { FileHandle } from 'node:fs/promises'
import { broken } from '../problem.js'

/** The fields that are read (TIFF 6.0, part 1, section 8). */
export const fields = {
  newSubfileType: 254,
  width: 256,
  height: 257,
  bitsPerSample: 258,
  compression: 259,
  photometric: 262,
  stripOffsets: 273,
  samplesPerPixel: 277,
  rowsPerStrip: 278,
  stripByteCounts: 279,
  planarConfiguration: 284,
  predictor: 317,
  colourMap: 320,
  tileWidth: 322,
  tileHeight: 323,
  tileOffsets: 324,
  tileByteCounts: 325,
  extraSamples: 338,
  sampleFormat: 339,
} as const

/** The fields of one page, by number; only whole numbers are kept. */
export type Directory = ReadonlyMap<number, readonly number[]>

/** A TIFF file that is open: its byte order, size and pages. */
export interface TiffFile {
  readonly littleEndian: boolean
  readonly pages: readonly Directory[]
}

/** Bytes of field types: BYTE, SHORT, LONG, IFD, LONG8, IFD8; others hold nothing that is needed. */
const typeSizes: Readonly<Record<number, number>> = { 1: 1, 3: 2, 4: 4, 13: 4, 16: 8, 18: 8 }
const MOST_PAGES = 16_384
const MOST_ENTRIES = 4096
/** Numbers in the fields of all pages: 16,384 x 16,384 pixels in tiles of 16 have 2 million. */
const MOST_NUMBERS = 2 ** 22
const known = new Set<number>(Object.values(fields))

/** Whether bytes begin a TIFF or BigTIFF file. */
export function looksLikeTiff(head: Uint8Array): boolean {
  const [a, b, c, d] = head
  const little = a === 0x49 && b === 0x49
  const magic = little ? c : d
  return (little || (a === 0x4d && b === 0x4d)) && (magic === 42 || magic === 43) && (little ? d : c) === 0
}

/**
 * Walks the pages of a TIFF file. Offsets are held against the file's size, a page is visited once.
 * @throws SeptumError `picture-broken`
 */
export async function readDirectories(handle: FileHandle, size: number, file: string): Promise<TiffFile> {
  const head = await readAt(handle, 0, Math.min(16, size))
  if (!looksLikeTiff(head)) broken(file, 'the TIFF header is missing')
  const littleEndian = head[0] === 0x49
  const big = head[littleEndian ? 2 : 3] === 43
  if (head.length < (big ? 16 : 8)) broken(file, 'the TIFF header is incomplete')
  const view = viewOf(head)
  const offsetAt = (source: DataView, at: number) =>
    big ? Number(source.getBigUint64(at, littleEndian)) : source.getUint32(at, littleEndian)
  const pages: Directory[] = []
  const seen = new Set<number>()
  let total = 0
  for (let at = offsetAt(view, big ? 8 : 4); at !== 0; ) {
    if (seen.has(at) || pages.length >= MOST_PAGES) broken(file, 'its pages run in a circle')
    seen.add(at)
    const countSize = big ? 8 : 2
    if (at + countSize > size) broken(file, 'a page lies outside the file')
    const counted = viewOf(await readAt(handle, at, countSize))
    const count = big ? Number(counted.getBigUint64(0, littleEndian)) : counted.getUint16(0, littleEndian)
    const entrySize = big ? 20 : 12
    const tail = big ? 8 : 4
    if (count === 0 || count > MOST_ENTRIES || at + countSize + count * entrySize + tail > size) {
      broken(file, 'the fields of a page are cut off')
    }
    const entries = viewOf(await readAt(handle, at + countSize, count * entrySize + tail))
    const page = new Map<number, readonly number[]>()
    for (let entry = 0; entry < count; entry++) {
      const start = entry * entrySize
      const tag = entries.getUint16(start, littleEndian)
      if (!known.has(tag) || page.has(tag)) continue
      const type = entries.getUint16(start + 2, littleEndian)
      const values = offsetAt(entries, start + 4)
      const bytes = (typeSizes[type] ?? 0) * values
      total += values
      if (bytes === 0 || bytes > size || total > MOST_NUMBERS) broken(file, 'a field of a page is damaged')
      const inside = start + (big ? 12 : 8)
      const elsewhere = bytes > (big ? 8 : 4)
      const from = elsewhere ? offsetAt(entries, inside) : 0
      if (elsewhere && from + bytes > size) broken(file, 'a field lies outside the file')
      const source = elsewhere ? viewOf(await readAt(handle, from, bytes)) : entries
      page.set(tag, numbers(source, elsewhere ? 0 : inside, values, type, littleEndian))
    }
    pages.push(page)
    at = offsetAt(entries, count * entrySize)
  }
  if (pages.length === 0) broken(file, 'it has no page')
  return { littleEndian, pages }
}

function numbers(view: DataView, start: number, count: number, type: number, little: boolean): number[] {
  const size = typeSizes[type]!
  return Array.from({ length: count }, (_, i) => {
    const at = start + i * size
    if (size === 1) return view.getUint8(at)
    if (size === 2) return view.getUint16(at, little)
    return size === 4 ? view.getUint32(at, little) : Number(view.getBigUint64(at, little))
  })
}

/** @returns up to `length` bytes; fewer at the end of the file. */
export async function readAt(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  const { bytesRead } = await handle.read(bytes, 0, length, position)
  return bytes.subarray(0, bytesRead)
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
