import { createInflateRaw } from 'node:zlib'
import { broken, unsupported } from '../volume/problem.js'

/** One file of an archive, from the central directory (APPNOTE.TXT 4.3.12). */
export interface ZipEntry {
  readonly name: string
  readonly method: number
  readonly compressedSize: number
  readonly size: number
  readonly crc: number
  /** Byte at which the entry's local header begins. */
  readonly start: number
}

const END_BYTES = 22
/** More entries than any array archive of one case has. */
const MOST_ENTRIES = 4096

/**
 * Entries of a .npz archive, which numpy.savez writes without encryption, as stored or deflated files.
 * @throws SeptumError `volume-broken`, or `volume-unsupported` for archives beyond 4 GB.
 */
export function zipEntries(bytes: Buffer, file: string): ZipEntry[] {
  const end = bytes.lastIndexOf('PK\x05\x06', undefined, 'latin1')
  if (end < 0 || end + END_BYTES > bytes.length) throw broken(file, 'its archive has no directory')
  const count = bytes.readUInt16LE(end + 10)
  const entries: ZipEntry[] = []
  let at = bytes.readUInt32LE(end + 16)
  if (count > MOST_ENTRIES)
    throw unsupported(file, `The archive has ${count} files`, 'Save one case in a file.')
  for (let i = 0; i < count; i++) {
    if (at + 46 > end || bytes.readUInt32LE(at) !== 0x02014b50) throw broken(file, 'its directory is damaged')
    const [flags, method] = [bytes.readUInt16LE(at + 8), bytes.readUInt16LE(at + 10)]
    const [compressedSize, size] = [bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 24)]
    if (flags & 1) throw unsupported(file, 'The archive is encrypted', 'Save it without a password.')
    if (size === 0xffffffff || compressedSize === 0xffffffff) {
      throw unsupported(file, 'The archive holds an array beyond 4 GB', 'Save it in smaller parts.')
    }
    const nameLength = bytes.readUInt16LE(at + 28)
    const name = bytes.toString('utf8', at + 46, Math.min(end, at + 46 + nameLength))
    entries.push({
      name,
      method,
      compressedSize,
      size,
      crc: bytes.readUInt32LE(at + 16),
      start: bytes.readUInt32LE(at + 42),
    })
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return entries
}

/**
 * The content of an entry.
 * @param most bytes to give at most; all of them if the entry is shorter, and then its checksum is verified.
 * @throws SeptumError `volume-broken` or `volume-unsupported`.
 */
export async function zipContent(
  bytes: Buffer,
  entry: ZipEntry,
  file: string,
  most = Infinity,
): Promise<Buffer> {
  const { start, method, compressedSize, size, crc } = entry
  if (start + 30 > bytes.length || bytes.readUInt32LE(start) !== 0x04034b50) {
    throw broken(file, 'an entry of its archive has no header')
  }
  const from = start + 30 + bytes.readUInt16LE(start + 26) + bytes.readUInt16LE(start + 28)
  if (from + compressedSize > bytes.length)
    throw broken(file, 'an entry of its archive reaches beyond its end')
  const packed = bytes.subarray(from, from + compressedSize)
  if (method !== 0 && method !== 8) {
    throw unsupported(
      file,
      'The archive is compressed in a way that is not read',
      'Save it with numpy.savez_compressed.',
    )
  }
  const wanted = Math.min(size, most)
  const content =
    method === 0 ? Buffer.from(packed.subarray(0, wanted)) : await inflateRaw(packed, wanted, file)
  if (content.length < wanted) throw broken(file, 'an entry of its archive is shorter than it says')
  if (wanted === size && crc32(content) !== crc) throw broken(file, 'the checksum of an entry is wrong')
  return content
}

/** Deflate without a frame; stops at the wanted length, whatever the data would go on to give. */
function inflateRaw(packed: Uint8Array, wanted: number, file: string): Promise<Buffer> {
  if (wanted > packed.length * 1032 + 64)
    return Promise.reject(broken(file, 'an entry cannot be as long as it says'))
  const stream = createInflateRaw({ chunkSize: Math.max(64, Math.min(wanted + 1, 2 ** 24)) })
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let have = 0
    const finish = () => resolve(Buffer.concat(parts).subarray(0, wanted))
    stream.on('data', (part: Buffer) => {
      parts.push(part)
      have += part.length
      if (have >= wanted) {
        stream.destroy()
        finish()
      }
    })
    stream.on('error', (cause) =>
      reject(broken(file, `its compressed data cannot be read (${cause.message})`, cause)),
    )
    stream.on('end', finish)
    stream.end(packed)
  })
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

/** CRC-32 of the zip format (reflected polynomial 0xEDB88320). */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = crcTable[(crc ^ byte) & 255]! ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}
