import { readFileSync } from 'node:fs'
import { deflateRawSync } from 'node:zlib'
import { Random, SeptumError } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { crc32 } from './crc32.js'
import { FileReader } from './file.js'
import { openPth } from './pth.js'
import { flattenStateDict } from './state-dict.js'
import { errorOf, fileOf, fixture } from './testing.js'
import { ZipReader } from './zip.js'

interface Part {
  name: string | Buffer
  data: Buffer
  method?: number
  flags?: number
  crc?: number
  size?: number
  packedSize?: number
  localName?: string
  header?: number
  extra?: Buffer
}

const u16 = (...values: number[]) => Buffer.from(new Uint16Array(values).buffer)
const u32 = (...values: number[]) => Buffer.from(new Uint32Array(values).buffer)
const u64 = (...values: number[]) => Buffer.from(new BigUint64Array(values.map(BigInt)).buffer)

/** A ZIP file laid out by hand from APPNOTE.TXT, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16. */
function archive(
  parts: Part[],
  options: { zip64?: boolean; comment?: string; count?: number; before?: string } = {},
) {
  const chunks: Buffer[] = [Buffer.from(options.before ?? '')]
  const central: Buffer[] = []
  let at = chunks[0]!.length
  for (const part of parts) {
    const {
      data,
      method = 0,
      flags = 0,
      crc = crc32(data),
      size = data.length,
      packedSize = data.length,
    } = part
    const name = Buffer.from(part.name)
    const localName = Buffer.from(part.localName ?? name)
    const sizes = u32(crc, packedSize, size)
    const local = [
      u32(0x04034b50),
      u16(20, flags, method, 0, 0),
      sizes,
      u16(localName.length, 0),
      localName,
      data,
    ]
    const wide = options.zip64 === true
    const extra = wide
      ? Buffer.concat([u16(1, 24), u64(size, packedSize, at)])
      : (part.extra ?? Buffer.alloc(0))
    const full = u32(0xffffffff)
    central.push(
      u32(0x02014b50),
      u16(45, 20, flags, method, 0, 0),
      wide ? Buffer.concat([u32(crc), full, full]) : sizes,
      u16(name.length, extra.length, 0, 0, 0),
      u32(0),
      wide ? full : u32(part.header ?? at),
      name,
      extra,
    )
    chunks.push(...local)
    at += Buffer.concat(local).length
  }
  const directory = Buffer.concat(central)
  const count = options.count ?? parts.length
  const comment = Buffer.from(options.comment ?? '')
  if (options.zip64) {
    const end = Buffer.concat([
      u32(0x06064b50),
      u64(44),
      u16(45, 45),
      u32(0, 0),
      u64(count, count, directory.length, at),
    ])
    const locator = Buffer.concat([u32(0x07064b50, 0), u64(at + directory.length), u32(1)])
    chunks.push(directory, end, locator)
    chunks.push(
      u32(0x06054b50),
      u16(0, 0, 0xffff, 0xffff),
      u32(0xffffffff, 0xffffffff),
      u16(comment.length),
      comment,
    )
  } else {
    chunks.push(
      directory,
      u32(0x06054b50),
      u16(0, 0, count, count),
      u32(directory.length, at),
      u16(comment.length),
      comment,
    )
  }
  return fileOf(Buffer.concat(chunks), 'zip')
}

function open(path: string): ZipReader {
  return new ZipReader(FileReader.open(path))
}

const text = Buffer.from('The quick brown fox jumps over the lazy dog')
const plain = { name: 'a/b', data: text }

describe('ZipReader', () => {
  it.each([
    ['an empty archive', archive([]), 0],
    ['a stored entry', archive([plain]), 1],
    ['ZIP64 fields', archive([plain, { name: 'c', data: Buffer.alloc(3) }], { zip64: true }), 2],
    ['a comment', archive([plain], { comment: 'PK\x05\x06 is not the end' }), 1],
    ['a folder', archive([plain, { name: 'a/', data: Buffer.alloc(0) }]), 2],
  ])('reads %s', (_, path, count) => {
    const zip = open(path)
    expect(zip.entries.size).toBe(count)
    const entry = zip.entries.get('a/b')
    if (entry) expect(Buffer.from(zip.read(entry))).toEqual(text)
  })

  it('reads parts of stored and of compressed entries', () => {
    const data = deflateRawSync(text)
    const packed = { name: 'p', data, method: 8, crc: crc32(text), size: text.length }
    const zip = open(archive([plain, packed]))
    for (const name of ['a/b', 'p', 'a/b', 'p']) {
      expect(Buffer.from(zip.read(zip.entries.get(name)!, 4, 9)).toString()).toBe('quick')
    }
  })

  it.each([
    ['no archive', 'zip-directory', () => fileOf(Buffer.alloc(100))],
    ['an empty file', 'zip-directory', () => fileOf(Buffer.alloc(0))],
    [
      'something before the archive',
      'zip-directory',
      () => {
        const bytes = readFileSync(archive([plain]))
        return fileOf(Buffer.concat([Buffer.from('#!/bin/sh\n'), bytes]))
      },
    ],
    [
      'something after it',
      'zip-directory',
      () => fileOf(Buffer.concat([readFileSync(archive([plain])), Buffer.from('x')])),
    ],
    ['a count too high', 'zip-directory', () => archive([plain], { count: 2 })],
    ['a count too low', 'zip-directory', () => archive([plain, { name: 'c', data: text }], { count: 1 })],
    ['two sizes', 'zip-directory', () => archive([{ ...plain, size: 5 }])],
    ['no ZIP64 field', 'zip-directory', () => archive([{ ...plain, header: 0xffffffff }])],
    [
      'a short ZIP64 field',
      'zip-directory',
      () => archive([{ ...plain, header: 0xffffffff, extra: Buffer.concat([u16(1, 4), u32(0)]) }]),
    ],
    [
      'a ZIP64 field of 2^63',
      'zip-directory',
      () => archive([{ ...plain, header: 0xffffffff, extra: Buffer.concat([u16(1, 8), u64(2 ** 63)]) }]),
    ],
    ['a name twice', 'zip-name', () => archive([plain, plain])],
    ['a name that climbs', 'zip-name', () => archive([{ ...plain, name: 'a/../../b' }])],
    ['an absolute name', 'zip-name', () => archive([{ ...plain, name: '/etc/passwd' }])],
    ['a backslash', 'zip-name', () => archive([{ ...plain, name: 'a\\b' }])],
    ['a NUL', 'zip-name', () => archive([{ ...plain, name: 'a\0b' }])],
    ['no name', 'zip-name', () => archive([{ ...plain, name: '' }])],
    ['a name that is not UTF-8', 'zip-name', () => archive([{ ...plain, name: Buffer.from([0xff]) }])],
    ['encryption', 'zip-encrypted', () => archive([{ ...plain, flags: 1 }])],
    ['bzip2', 'zip-method', () => archive([{ ...plain, method: 12 }])],
    [
      'an entry past the directory',
      'zip-overlap',
      () => archive([{ ...plain, size: 5000, packedSize: 5000 }]),
    ],
    ['two entries in one place', 'zip-overlap', () => archive([plain, { ...plain, name: 'c/d', header: 0 }])],
  ] satisfies [string, string, () => string][])('refuses %s: %s', (_, code, make) => {
    const path = make()
    expect(errorOf(() => open(path))).toMatchObject({ code, place: { file: path } })
  })

  const packed = deflateRawSync(Buffer.alloc(5000))
  it.each([
    ['a wrong checksum', 'zip-crc', { ...plain, crc: 1 }],
    ['a local header elsewhere', 'zip-directory', { ...plain, header: 0 }, { before: 'xxxx' }],
    ['another local name', 'zip-directory', { ...plain, localName: 'a/c' }],
    ['a long local name', 'zip-directory', { ...plain, localName: 'x'.repeat(500) }],
    ['bytes that are not deflated', 'zip-inflate', { ...plain, method: 8 }],
    ['more than it said', 'zip-inflate', { name: 'p', data: packed, method: 8, size: 4999 }],
    ['less than it said', 'zip-inflate', { name: 'p', data: packed, method: 8, size: 5001 }],
    ['a bomb', 'zip-inflate', { name: 'p', data: packed, method: 8, size: 2 ** 31 }],
    ['a wrong checksum inside', 'zip-crc', { name: 'p', data: packed, method: 8, size: 5000, crc: 1 }],
  ] as [string, string, Part, { before?: string }?][])('refuses to read %s: %s', (_, code, part, options) => {
    const zip = open(archive([part], options))
    const entry = [...zip.entries.values()][0]!
    expect(errorOf(() => zip.read(entry)).code).toBe(code)
    expect(errorOf(() => zip.read(entry, 1, 2)).code).toBe(code)
  })
})

describe('any mutation of a .pth file', () => {
  /** Checksums made right again, so that mutations reach the pickle and not only the checksum. */
  function repaired(bytes: Buffer): Buffer {
    const file = FileReader.open(fileOf(bytes))
    try {
      const zip = new ZipReader(file)
      const parts = [...zip.entries.values()].map(({ name, header, bytes: size }) => {
        const start = header + 30 + bytes.readUInt16LE(header + 26) + bytes.readUInt16LE(header + 28)
        return { name, data: bytes.subarray(start, start + size) }
      })
      return readFileSync(archive(parts))
    } catch (error) {
      if (error instanceof SeptumError) return bytes
      throw error
    } finally {
      file.close()
    }
  }

  it.each(['views.pth', 'training.pth', 'compressed.pth', 'legacy.pth'])(
    'of %s gives a typed error or tensors, within 2 s and 256 MB',
    (name) => {
      const original = readFileSync(fixture(name))
      const random = new Random(3)
      const codes = new Map<string, number>()
      let slowest = 0
      let largest = 0
      for (let round = 0; round < 400; round++) {
        let bytes: Buffer = Buffer.from(original)
        const directory = random.int(4) === 0
        const head = Math.min(1500, bytes.length)
        for (let n = random.int(4); n >= 0; n--) {
          const at = directory ? bytes.length - 1 - random.int(head) : random.int(head)
          bytes[at] = random.int(3) === 0 ? 255 : random.int(256)
        }
        if (!directory && name !== 'legacy.pth') bytes = repaired(bytes)
        const path = fileOf(bytes, 'pth')
        const start = performance.now()
        const before = process.memoryUsage().rss
        try {
          use(path)
        } catch (error) {
          if (!(error instanceof SeptumError)) throw error
          codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
        }
        slowest = Math.max(slowest, performance.now() - start)
        largest = Math.max(largest, process.memoryUsage().rss - before)
      }
      expect(codes.size).toBeGreaterThan(3)
      expect(slowest).toBeLessThan(2000)
      expect(largest).toBeLessThan(256e6)
    },
  )

  function use(path: string): void {
    const file = openPth(path)
    try {
      for (const tensor of flattenStateDict(file.root).tensors.values()) {
        const numel = tensor.shape.reduce((product, size) => product * size, 1)
        expect(tensor.read().length % Math.max(numel, 1)).toBe(0)
      }
    } finally {
      file.close()
    }
  }
})
