import { inflateRawSync } from 'node:zlib'
import { crc32 } from './crc32.js'
import { type Fail, HINT_DAMAGED, quote } from './fail.js'
import type { FileReader } from './file.js'

/** Records and field positions of PKWARE's APPNOTE.TXT 6.3, section 4.3. */
const LOCAL = { signature: 0x04034b50, bytes: 30 }
const CENTRAL = { signature: 0x02014b50, bytes: 46 }
const END = { signature: 0x06054b50, bytes: 22 }
const END_64 = { signature: 0x06064b50, bytes: 56 }
const LOCATOR_64 = { signature: 0x07064b50, bytes: 20 }
const MAX_COMMENT = 0xffff
const FULL_32 = 0xffffffff
const ENCRYPTED = 1
const STORED = 0
const DEFLATED = 8

const MAX_DIRECTORY_BYTES = 2 ** 26
/** PyTorch never compresses, so a compressed entry is small or an attack. */
const MAX_INFLATED_BYTES = 2 ** 29
/** Deflate cannot do better than 1032 : 1 (zlib, "Technical Details"). */
const MAX_DEFLATE_RATIO = 1032
const CHECK_CHUNK_BYTES = 2 ** 24

export interface ZipEntry {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  /** Size after decompression. */
  readonly bytes: number
  /** Where its local header begins in the file. */
  readonly header: number
}

/** The directory of a ZIP file and checked access to its entries. */
export class ZipReader {
  readonly entries: ReadonlyMap<string, ZipEntry>
  private readonly directory: number
  private readonly checked = new Set<string>()
  private inflated: { readonly name: string; readonly bytes: Uint8Array } | null = null

  /** Throws `zip-directory`, `zip-name`, `zip-encrypted`, `zip-method`, `zip-overlap`. */
  constructor(private readonly file: FileReader) {
    const { begin, bytes, count } = findDirectory(file)
    this.directory = begin
    this.entries = parseDirectory(file.read(begin, bytes), count, begin, file.fail)
  }

  /**
   * A part of an entry; its checksum is verified over the whole entry before the first byte is handed out.
   * @param begin, end bytes of the uncompressed entry, 0 <= begin <= end <= entry.bytes.
   * @returns bytes in an ArrayBuffer of their own. Throws `zip-directory`, `zip-crc`, `zip-inflate`.
   */
  read(entry: ZipEntry, begin = 0, end = entry.bytes): Uint8Array<ArrayBuffer> {
    // Copied by the constructor: slice() of a Buffer would share its memory.
    if (entry.method === DEFLATED) return new Uint8Array(this.inflate(entry).subarray(begin, end))
    const data = this.dataOf(entry)
    if (this.checked.has(entry.name)) return this.file.read(data + begin, end - begin)
    if (begin === 0 && end === entry.bytes) {
      const whole = this.file.read(data, end)
      this.check(entry, crc32(whole))
      return whole
    }
    let crc = 0
    for (let at = 0; at < entry.bytes; at += CHECK_CHUNK_BYTES) {
      crc = crc32(this.file.read(data + at, Math.min(CHECK_CHUNK_BYTES, entry.bytes - at)), crc)
    }
    this.check(entry, crc)
    return this.file.read(data + begin, end - begin)
  }

  private check(entry: ZipEntry, crc: number): void {
    if (crc !== entry.crc) {
      throw this.file.fail('zip-crc', `the checksum of ${quote(entry.name)} is wrong`, HINT_DAMAGED)
    }
    this.checked.add(entry.name)
  }

  private inflate(entry: ZipEntry): Uint8Array {
    if (this.inflated?.name === entry.name) return this.inflated.bytes
    const { fail } = this.file
    const wrong = (what: string) => fail('zip-inflate', `${quote(entry.name)} ${what}`, HINT_DAMAGED)
    const { bytes: expected, compressedBytes } = entry
    if (expected > MAX_INFLATED_BYTES || expected > compressedBytes * MAX_DEFLATE_RATIO) {
      throw wrong(`claims to grow from ${compressedBytes} to ${expected} bytes`)
    }
    let bytes: Uint8Array
    try {
      const packed = this.file.read(this.dataOf(entry), compressedBytes)
      bytes = inflateRawSync(packed, { maxOutputLength: Math.max(expected, 1) })
    } catch (error) {
      if (!(error instanceof Error) || !('code' in error) || 'hint' in error) throw error
      throw wrong('cannot be decompressed')
    }
    if (bytes.length !== expected) throw wrong(`has ${bytes.length} bytes, not ${expected}`)
    this.check(entry, crc32(bytes))
    this.inflated = { name: entry.name, bytes }
    return bytes
  }

  /** Where the data of an entry begin: only the local header tells. */
  private dataOf(entry: ZipEntry): number {
    const { file } = this
    const wrong = () =>
      file.fail('zip-directory', `the header of ${quote(entry.name)} is broken`, HINT_DAMAGED)
    if (entry.header + LOCAL.bytes > this.directory) throw wrong()
    const header = new DataView(file.read(entry.header, LOCAL.bytes).buffer)
    const nameBytes = header.getUint16(26, true)
    const data = entry.header + LOCAL.bytes + nameBytes + header.getUint16(28, true)
    if (header.getUint32(0, true) !== LOCAL.signature || data + entry.compressedBytes > this.directory)
      throw wrong()
    const name = Buffer.from(file.read(entry.header + LOCAL.bytes, nameBytes))
    if (header.getUint16(8, true) !== entry.method || !name.equals(Buffer.from(entry.name, 'utf8')))
      throw wrong()
    return data
  }
}

function findDirectory(file: FileReader): { begin: number; bytes: number; count: number } {
  const wrong = (what: string) => file.fail('zip-directory', `the zip directory ${what}`, HINT_DAMAGED)
  const tailAt = Math.max(0, file.size - END.bytes - MAX_COMMENT - LOCATOR_64.bytes)
  const tail = new DataView(file.read(tailAt, file.size - tailAt).buffer)
  let end = tail.byteLength - END.bytes
  const ends = (at: number) =>
    tail.getUint32(at, true) === END.signature &&
    at + END.bytes + tail.getUint16(at + 20, true) === tail.byteLength
  while (end >= 0 && !ends(end)) end--
  if (end < 0) throw wrong('is missing')
  if (tail.getUint16(end + 4, true) !== 0 || tail.getUint16(end + 6, true) !== 0)
    throw wrong('spans several disks')

  let count = tail.getUint16(end + 10, true)
  let bytes = tail.getUint32(end + 12, true)
  let begin = tail.getUint32(end + 16, true)
  let after = tailAt + end
  const locator = end - LOCATOR_64.bytes
  if (locator >= 0 && tail.getUint32(locator, true) === LOCATOR_64.signature) {
    after = safe(tail.getBigUint64(locator + 8, true), wrong)
    if (after + END_64.bytes > file.size) throw wrong('points past the end of the file')
    const end64 = new DataView(file.read(after, END_64.bytes).buffer)
    if (end64.getUint32(0, true) !== END_64.signature) throw wrong('is broken')
    if (count === 0xffff) count = safe(end64.getBigUint64(32, true), wrong)
    if (bytes === FULL_32) bytes = safe(end64.getBigUint64(40, true), wrong)
    if (begin === FULL_32) begin = safe(end64.getBigUint64(48, true), wrong)
  }
  if (begin + bytes !== after) throw wrong('does not lie where it should')
  if (bytes > MAX_DIRECTORY_BYTES) throw wrong(`is too large (${bytes} bytes)`)
  return { begin, bytes, count }
}

function parseDirectory(
  bytes: Uint8Array,
  count: number,
  directory: number,
  fail: Fail,
): Map<string, ZipEntry> {
  const wrong = (what: string) => fail('zip-directory', `the zip directory ${what}`, HINT_DAMAGED)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const entries = new Map<string, ZipEntry>()
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL.bytes > bytes.length) throw wrong('is cut short')
    if (view.getUint32(at, true) !== CENTRAL.signature) throw wrong('is broken')
    const nameAt = at + CENTRAL.bytes
    const extraAt = nameAt + view.getUint16(at + 28, true)
    const extraEnd = extraAt + view.getUint16(at + 30, true)
    const next = extraEnd + view.getUint16(at + 32, true)
    if (next > bytes.length) throw wrong('is cut short')
    const name = checkedName(bytes.subarray(nameAt, extraAt), fail)
    if (entries.has(name)) throw fail('zip-name', `the archive holds ${quote(name)} twice`, HINT_DAMAGED)
    const method = view.getUint16(at + 10, true)
    if (view.getUint16(at + 8, true) & ENCRYPTED) {
      throw fail('zip-encrypted', `${quote(name)} is encrypted`, 'Save the weights without a password')
    }
    if (method !== STORED && method !== DEFLATED) {
      throw fail(
        'zip-method',
        `${quote(name)} uses compression ${method}`,
        'Save the weights with torch.save',
      )
    }
    const sizes = [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ]
    const extra = new DataView(view.buffer, view.byteOffset + extraAt, extraEnd - extraAt)
    const [size, compressedBytes, header] = widen(sizes, extra, wrong) as [number, number, number]
    if (method === STORED && size !== compressedBytes) throw wrong(`gives ${quote(name)} two sizes`)
    entries.set(name, {
      name,
      method,
      crc: view.getUint32(at + 16, true),
      compressedBytes,
      bytes: size,
      header,
    })
    at = next
  }
  if (at !== bytes.length) throw wrong('holds more than its count of entries')
  checkOverlap([...entries.values()], directory, fail)
  return entries
}

/** Replaces the fields that are full by those of the ZIP64 extra field, which holds only these, in order. */
function widen(fields: readonly number[], extra: DataView, wrong: (what: string) => Error): number[] {
  if (!fields.includes(FULL_32)) return [...fields]
  let at = 0
  while (at + 4 <= extra.byteLength && extra.getUint16(at, true) !== 1)
    at += 4 + extra.getUint16(at + 2, true)
  if (at + 4 > extra.byteLength) throw wrong('lacks a ZIP64 field')
  const end = at + 4 + extra.getUint16(at + 2, true)
  at += 4
  return fields.map((field) => {
    if (field !== FULL_32) return field
    if (at + 8 > Math.min(end, extra.byteLength)) throw wrong('has a ZIP64 field that is too short')
    at += 8
    return safe(extra.getBigUint64(at - 8, true), wrong)
  })
}

function checkedName(bytes: Uint8Array, fail: Fail): string {
  let name: string
  try {
    name = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw fail('zip-name', 'the archive holds a name that is not UTF-8', HINT_DAMAGED)
  }
  const steps = name.split('/')
  if (
    name === '' ||
    name.startsWith('/') ||
    /[\\\p{Cc}]/u.test(name) ||
    steps.includes('..') ||
    steps.includes('.')
  ) {
    throw fail('zip-name', `the archive holds the unsafe name ${quote(name)}`, 'Do not trust this file')
  }
  return name
}

/** Entries that share bytes are the making of a zip bomb. */
function checkOverlap(entries: ZipEntry[], directory: number, fail: Fail): void {
  entries.sort((a, b) => a.header - b.header)
  entries.forEach(({ name, header, compressedBytes }, i) => {
    const end = header + LOCAL.bytes + Buffer.byteLength(name) + compressedBytes
    if (end > (entries[i + 1]?.header ?? directory)) {
      throw fail('zip-overlap', `${quote(name)} reaches into what follows it in the archive`, HINT_DAMAGED)
    }
  })
}

function safe(value: bigint, wrong: (what: string) => Error): number {
  if (value > Number.MAX_SAFE_INTEGER) throw wrong('holds an impossible number')
  return Number(value)
}
