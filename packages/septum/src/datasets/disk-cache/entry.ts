import { createHash } from 'node:crypto'
import type { ImageSamples } from '@septum/core'

/** Arrays that a cache entry may hold. */
const kinds = {
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const
type Kind = keyof typeof kinds
export type CachedArray = ImageSamples

/** What is kept: named arrays, and plain data beside them. */
export interface CacheEntry {
  readonly arrays: Readonly<Record<string, CachedArray>>
  readonly data: unknown
}

interface Header {
  readonly data: unknown
  readonly arrays: readonly { readonly name: string; readonly kind: Kind; readonly length: number }[]
}

/** `SEPTUM` and the version of this layout. */
const MAGIC = Buffer.from('SEPTUMC1', 'latin1')
const DIGEST_BYTES = 32
/** Magic, length of the header, digest. */
const PREFIX = MAGIC.length + 4 + DIGEST_BYTES
const ALIGNMENT = 8

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT
const kindOf = (array: CachedArray): Kind =>
  (Object.keys(kinds) as Kind[]).find((kind) => array instanceof kinds[kind])!
const bytesOf = (array: CachedArray): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength)

function digestOf(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/**
 * An entry as parts of a file: magic, length of the header (uint32, little-endian), SHA-256 of that length
 * and of all that follows, the header as JSON, then the arrays, each at a multiple of 8 bytes.
 */
export function encodeEntry({ arrays, data }: CacheEntry): Uint8Array[] {
  const header: Header = {
    data,
    arrays: Object.entries(arrays).map(([name, array]) => ({
      name,
      kind: kindOf(array),
      length: array.length,
    })),
  }
  const text = Buffer.from(JSON.stringify(header))
  const start = Buffer.alloc(aligned(PREFIX + text.length), ' ')
  MAGIC.copy(start)
  start.writeUInt32LE(text.length, MAGIC.length)
  text.copy(start, PREFIX)
  const parts: Uint8Array[] = [start]
  for (const array of Object.values(arrays)) {
    parts.push(bytesOf(array), new Uint8Array(aligned(array.byteLength) - array.byteLength))
  }
  const length = start.subarray(MAGIC.length, MAGIC.length + 4)
  digestOf(length, start.subarray(PREFIX), ...parts.slice(1)).copy(start, PREFIX - DIGEST_BYTES)
  return parts
}

/** The entry of a file's bytes; undefined when they are not exactly what was written. */
export function decodeEntry(file: Uint8Array): CacheEntry | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  if (bytes.length < PREFIX || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
  const length = bytes.readUInt32LE(MAGIC.length)
  if (PREFIX + length > bytes.length) return undefined
  const digest = digestOf(bytes.subarray(MAGIC.length, MAGIC.length + 4), bytes.subarray(PREFIX))
  if (!digest.equals(bytes.subarray(PREFIX - DIGEST_BYTES, PREFIX))) return undefined
  const header = JSON.parse(bytes.toString('utf8', PREFIX, PREFIX + length)) as Header
  const arrays: Record<string, CachedArray> = {}
  let at = aligned(PREFIX + length)
  for (const { name, kind, length: count } of header.arrays) {
    const Kind = kinds[kind]
    const size = count * Kind.BYTES_PER_ELEMENT
    const start = bytes.byteOffset + at
    // An array may not begin in the middle of one of its elements.
    arrays[name] =
      start % Kind.BYTES_PER_ELEMENT === 0
        ? new Kind(bytes.buffer as ArrayBuffer, start, count)
        : new Kind(Uint8Array.from(bytes.subarray(at, at + size)).buffer)
    at += aligned(size)
  }
  return { arrays, data: header.data }
}
