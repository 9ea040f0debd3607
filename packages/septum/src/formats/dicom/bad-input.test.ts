import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import { readImageDicomFileSeriesNode } from '@itk-wasm/dicom'
import { checkImage, Random, SeptumError } from '@septum/core'
import dcmjs from 'dcmjs'
import { zipSync } from 'fflate'
import { afterAll, describe, expect, it } from 'vitest'
import { readDicom } from './read.js'
import { readDicomSeg, writeDicomSeg } from './seg/index.js'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'septum-bad-dicom-'))
afterAll(() => rmSync(dir, { recursive: true }))

/** Of processor time: machines that run tests are shared. */
const SECONDS = 2
const MEGABYTES = 256

/**
 * Reads a file that may be bad: a typed error or a valid image, in time, in memory, without the patient's name.
 * @returns the error's code, or `image`.
 */
async function attempt(bytes: Uint8Array, name = 'bad.dcm', read = readDicom): Promise<string> {
  const file = join(dir, name)
  writeFileSync(file, bytes)
  const before = process.memoryUsage().rss
  const start = process.cpuUsage()
  const outcome = await read(file).then(
    (image) => {
      checkImage('masks' in image ? (image as { masks: typeof image }).masks : image)
      return 'image'
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(SeptumError)
      expect(`${(error as SeptumError).toLine()}`).not.toMatch(/planted|secret/i)
      return (error as SeptumError).code
    },
  )
  const { user, system } = process.cpuUsage(start)
  expect((user + system) / 1e6).toBeLessThan(SECONDS)
  expect(process.memoryUsage().rss - before).toBeLessThan(MEGABYTES * 2 ** 20)
  return outcome
}

const syntaxes = [
  'explicit',
  'implicit',
  'big-endian',
  'deflated',
  'rle',
  'jpeg-baseline',
  'jpeg-colour',
  'jpeg-extended',
  'jpeg-lossless-1',
  'jpeg-lossless-7',
  'jpeg-ls',
  'jpeg-ls-none',
  'jpeg-2000',
  'enhanced',
  'palette-16',
  'cine-rle',
]
const bytesOf = (name: string) => new Uint8Array(readFileSync(fixture(name)))

describe('truncations at 64 points', () => {
  it.each(syntaxes)('%s', async (name) => {
    const whole = bytesOf(`${name}.dcm`)
    const outcomes: string[] = []
    for (let point = 0; point < 64; point++) {
      outcomes.push(await attempt(whole.subarray(0, Math.floor((point * whole.length) / 64))))
    }
    // A cut file never passes for an image: half a picture is no picture.
    expect(outcomes.filter((outcome) => outcome === 'image')).toEqual([])
  })

  it('a zip and a segmentation', async () => {
    const zip = bytesOf('series.zip')
    const seg = join(dir, 'seg.dcm')
    await writeDicomSeg(
      seg,
      { data: new Uint8Array(120).fill(1), shape: [1, 12, 10], maxValue: 1 },
      { source: fixture('explicit.dcm'), segments: [{ label: 'liver' }] },
    )
    const segment = new Uint8Array(readFileSync(seg))
    for (let point = 0; point < 64; point++) {
      const cut = (whole: Uint8Array) => whole.subarray(0, Math.floor((point * whole.length) / 64))
      expect(await attempt(cut(zip), 'cut.zip')).not.toBe('image')
      expect(await attempt(cut(segment), 'cut-seg.dcm', readDicomSeg as never)).not.toBe('image')
    }
  })
})

describe('length fields', () => {
  /** Offsets of the length fields of an explicit little-endian file's top level, found by a walk of its own. */
  function lengthFields(bytes: Buffer): { at: number; size: 2 | 4; length: number }[] {
    const found: { at: number; size: 2 | 4; length: number }[] = []
    for (let at = 132; at + 12 <= bytes.length; ) {
      const long = ['OB', 'OW', 'SQ', 'UN', 'UT', 'OF'].includes(bytes.toString('latin1', at + 4, at + 6))
      const length = long ? bytes.readUInt32LE(at + 8) : bytes.readUInt16LE(at + 6)
      found.push({ at: at + (long ? 8 : 6), size: long ? 4 : 2, length })
      if (length === 0xffffffff) break
      at += (long ? 12 : 8) + length
    }
    return found
  }

  it.each(['explicit', 'palette-8', 'rle', 'enhanced'])(
    '%s: 0, -1, the largest, one more, one less',
    async (name) => {
      const whole = readFileSync(fixture(`${name}.dcm`))
      const fields = lengthFields(whole)
      expect(fields.length).toBeGreaterThan(30)
      for (const { at, size, length } of fields) {
        for (const value of [0, -1, 0x7fffffff, whole.length, length + 1, length - 1]) {
          const bytes = Buffer.from(whole)
          if (size === 4) bytes.writeUInt32LE(value >>> 0, at)
          else bytes.writeUInt16LE(value & 0xffff, at)
          await attempt(bytes)
        }
      }
    },
  )

  it('rows, columns, frames and bits', async () => {
    const whole = readFileSync(fixture('explicit.dcm'))
    for (const element of [0x10, 0x11, 0x100, 0x101, 0x102, 0x02]) {
      const at = whole.indexOf(Buffer.from([0x28, 0, element & 0xff, element >> 8, 0x55, 0x53])) + 8
      for (const value of [0, 1, 7, 9, 64, 32767, 65535]) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt16LE(value, at)
        const outcome = await attempt(bytes)
        if (value > 64) expect(outcome).not.toBe('image')
      }
    }
  })
})

/** An explicit file cut open before its pixel data. */
function around(middle: Uint8Array): Uint8Array {
  const whole = readFileSync(fixture('explicit.dcm'))
  const at = whole.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0, 0x4f, 0x57]))
  return Buffer.concat([whole.subarray(0, at), middle, whole.subarray(at)])
}

// (0040,0275) SQ of undefined length, and an item of undefined length in it.
const OPEN = Buffer.from('400075025351 0000 ffffffff feff00e0 ffffffff'.replaceAll(' ', ''), 'hex')
const CLOSE = Buffer.from('feff0de0 00000000 feffdde0 00000000'.replaceAll(' ', ''), 'hex')
const repeat = (bytes: Buffer, count: number) => Buffer.concat(Array.from({ length: count }, () => bytes))

describe('hostile structure', () => {
  it('closed nesting is read to a depth of 64 and refused at 10,000 and at 200,000', async () => {
    const nested = (depth: number) => around(Buffer.concat([repeat(OPEN, depth), repeat(CLOSE, depth)]))
    expect(await attempt(nested(64))).toBe('image')
    expect(await attempt(nested(10_000))).toBe('dicom-nesting')
    expect(await attempt(nested(200_000))).toBe('dicom-nesting')
  })

  it('undefined lengths that are never closed', async () => {
    expect(await attempt(around(OPEN))).toBe('dicom-broken')
    expect(await attempt(around(repeat(OPEN, 10_000)))).toBe('dicom-nesting')
    const whole = readFileSync(fixture('rle.dcm'))
    // Without the delimiter of the fragments.
    expect(await attempt(whole.subarray(0, whole.length - 8))).toBe('dicom-broken')
    const plain = Buffer.from(readFileSync(fixture('explicit.dcm')))
    plain.writeUInt32LE(0xffffffff, plain.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0, 0x4f, 0x57])) + 8)
    expect(await attempt(plain)).toBe('dicom-broken')
  })

  it('five million empty items', async () => {
    const items = Buffer.alloc(12 + 5_000_000 * 8)
    items.set(OPEN.subarray(0, 12))
    const item = Buffer.from('feff00e000000000', 'hex')
    items.fill(item, 12)
    expect(await attempt(around(items))).toBe('dicom-too-large')
  })

  it('pixel data shorter than rows x columns', async () => {
    const whole = readFileSync(fixture('explicit.dcm'))
    const at = whole.indexOf(Buffer.from([0xe0, 0x7f, 0x10, 0, 0x4f, 0x57])) + 8
    const short = Buffer.from(whole.subarray(0, at + 4 + 100))
    expect(await attempt(short)).toBe('dicom-pixels-short')
    short.writeUInt32LE(100, at)
    expect(await attempt(short)).toBe('dicom-pixels-short')
  })

  it('a deflated bomb: a gigabyte of zeros', async () => {
    const whole = readFileSync(fixture('deflated.dcm'))
    const meta = 144 + whole.readUInt32LE(140)
    const zeros = deflateRawSync(Buffer.alloc(2 ** 27))
    expect(await attempt(Buffer.concat([whole.subarray(0, meta), zeros]))).toBe('dicom-broken')
  })
})

/** A zip archive (PKWARE's APPNOTE) with `count` entries of one deflated content. */
function zipOf(deflated: Uint8Array, size: number, count: number): Uint8Array {
  const head = (signature: number, length: number, skip: number) => {
    const bytes = Buffer.alloc(length)
    bytes.writeUInt32LE(signature, 0)
    bytes.writeUInt16LE(20, skip)
    bytes.writeUInt16LE(8, skip + 4)
    bytes.writeUInt32LE(deflated.length, skip + 14)
    bytes.writeUInt32LE(size, skip + 18)
    bytes.writeUInt16LE(1, skip + 22)
    return bytes
  }
  const local = Buffer.concat([head(0x04034b50, 30, 4), Buffer.from('a'), deflated])
  const entries = Buffer.concat(
    Array.from({ length: count }, () => Buffer.concat([head(0x02014b50, 46, 6), Buffer.from('a')])),
  )
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(count, 8)
  end.writeUInt16LE(count, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, entries, end])
}

describe('archives', () => {
  it('a bomb of zeros, plain and behind a DICOM head', async () => {
    const size = 2 ** 28
    const zeros = deflateRawSync(Buffer.alloc(size), { level: 1 })
    expect(await attempt(zipOf(zeros, size, 1), 'bomb.zip')).toBe('dicom-format')
    expect(await attempt(zipOf(zeros, size, 500), 'bombs.zip')).toBe('dicom-none')
    // All that follows the picture is not even unpacked.
    const long = Buffer.concat([around(new Uint8Array()), Buffer.alloc(size)])
    expect(await attempt(zipOf(deflateRawSync(long, { level: 1 }), long.length, 1), 'tail.zip')).toBe('image')
    // (0009,0001) OB of 256 MB before the picture.
    const head = Buffer.concat([around(Buffer.from('090001004f42000000000010', 'hex')), Buffer.alloc(size)])
    const hidden = zipOf(deflateRawSync(head, { level: 1 }), head.length, 1)
    expect(await attempt(hidden, 'hidden.zip')).toBe('dicom-too-large')
  })

  it.each([
    '../outside.dcm',
    '/etc/outside.dcm',
    'a/../../outside.dcm',
    'C:/outside.dcm',
    'a\\..\\..\\b.dcm',
  ])('a name that leads outside: %s', async (name) => {
    const zip = zipSync({ [name]: bytesOf('explicit.dcm') })
    expect(await attempt(zip, 'path.zip')).toMatch(/^(archive-name|image)$/)
    if (!name.includes('\\')) expect(await attempt(zip, 'path.zip')).toBe('archive-name')
  })

  it('no image, no entry, an empty folder, a missing file', async () => {
    expect(
      await attempt(zipSync({ 'a.txt': new Uint8Array(9), 'b.txt': new Uint8Array(9) }), 'none.zip'),
    ).toBe('dicom-none')
    await expect(readDicom(join(dir, 'nowhere'))).rejects.toMatchObject({ code: 'picture-missing' })
  })
})

describe('mutations with fixed seeds', () => {
  it.each(syntaxes)('%s', async (name) => {
    const whole = bytesOf(`${name}.dcm`)
    const random = new Random(20, syntaxes.indexOf(name))
    for (let round = 0; round < 100; round++) {
      const bytes = whole.slice()
      // Half of the rounds strike behind the head, where decoders work.
      const from = round % 2 === 0 ? 132 : Math.floor(whole.length * 0.6)
      for (let hit = 0; hit <= round % 8; hit++) {
        bytes[from + random.int(whole.length - from)] = random.int(256)
      }
      await attempt(bytes)
    }
  })
})

describe('why the data sets are parsed here: what the libraries make of bad files', () => {
  it('dcmjs hands out the pixel data of half a file as if it were whole', () => {
    const whole = bytesOf('explicit.dcm')
    const half = whole.slice(0, whole.length - 100)
    dcmjs.log.setLevel('silent')
    const { dict } = dcmjs.data.DicomMessage.readFile(half.buffer)
    expect((dict['7FE00010']!.Value[0] as ArrayBuffer).byteLength).toBe(12 * 10 * 2)
  })

  it('itk-wasm reads missing pixels as zeros', async () => {
    const whole = bytesOf('explicit.dcm')
    const file = join(dir, 'short.dcm')
    writeFileSync(file, whole.subarray(0, whole.length - 100))
    const { outputImage } = await readImageDicomFileSeriesNode({
      inputImages: [file],
      singleSortedSeries: false,
    })
    expect(outputImage.size).toEqual([10, 12, 1])
    await expect(readDicom(file)).rejects.toMatchObject({ code: 'dicom-pixels-short' })
  })
})
