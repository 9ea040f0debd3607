import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { deflateRawSync, gunzipSync, gzipSync } from 'node:zlib'
import { checkImage, fromAffineRas, type MedicalImage, Random, SeptumError } from '@septum/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeNifti } from '../nifti/index.js'
import { readImage, readImageHeader, writeImage } from '../registry.js'
import { problemOf, testFolder } from './testing.js'

const { dir, put, remove } = testFolder('malformed')
afterAll(remove)

const MILLISECONDS = 2000
const MEGABYTES = 256

const samples = Int16Array.from({ length: 6 * 7 * 8 }, (_, at) => (at * 37) % 1000)
const volume: MedicalImage = {
  data: samples,
  shape: [1, 6, 7, 8],
  geometry: fromAffineRas([2, 0.1, 0, 5, -0.1, 3, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1]),
  maxValue: 1,
}

/** Valid files by name; HDF5 and NumPy archives are those of their fixtures. */
const files = new Map<string, Buffer>()
beforeAll(async () => {
  const nifti = encodeNifti(volume)
  files.set('one.nii', nifti)
  files.set('two.nii', niftiTwo(nifti))
  files.set('one.nii.gz', gzipSync(nifti))
  for (const name of ['one.nrrd', 'one.mha', 'one.npy']) {
    await writeImage(`${dir}/${name}`, volume)
    files.set(name, readFileSync(`${dir}/${name}`))
  }
  const raw = Buffer.from(samples.buffer)
  const fields = 'type: short\ndimension: 3\nsizes: 8 7 6\nspacings: 1 1 2\nendian: little\n'
  files.set('raw.nrrd', Buffer.concat([Buffer.from(`NRRD0004\n${fields}encoding: raw\n\n`), raw]))
  files.set('text.nrrd', Buffer.from(`NRRD0004\n${fields}encoding: ascii\n\n${samples.join(' ')}`))
  const mha =
    'ObjectType = Image\nNDims = 3\nDimSize = 8 7 6\nElementType = MET_SHORT\nElementDataFile = LOCAL\n'
  files.set('raw.mha', Buffer.concat([Buffer.from(mha), raw]))
  const arrays = fixture('../numpy/fixtures/arrays.json') as { archive: Record<string, string> }
  files.set('one.npz', Buffer.from(arrays.archive.compressed!, 'base64'))
  files.set('stored.npz', Buffer.from(arrays.archive.stored!, 'base64'))
  const hdf5 = fixture('../hdf5/fixtures/cases.json') as { cases: { file: string }[] }
  files.set('one.h5', Buffer.from(hdf5.cases[0]!.file, 'base64'))
  files.set('new.h5', Buffer.from(hdf5.cases[1]!.file, 'base64'))
  files.set('plain.h5', Buffer.from(hdf5.cases[2]!.file, 'base64'))
  for (const [name, bytes] of files) await readImage(put(`valid-${name}`, bytes))
})
const fixture = (name: string) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as unknown

const names = [
  'one.nii',
  'two.nii',
  'one.nii.gz',
  'one.nrrd',
  'raw.nrrd',
  'text.nrrd',
  'one.mha',
  'raw.mha',
  'one.npy',
  'one.npz',
  'stored.npz',
  'one.h5',
  'new.h5',
  'plain.h5',
]

/** The same image as NIfTI-2, field by field (nifti2.h). */
function niftiTwo(one: Buffer): Buffer {
  const out = Buffer.alloc(544 + samples.byteLength)
  out.writeInt32LE(540, 0)
  out.write('n+2\0\r\n\x1a\n', 4, 'latin1')
  one.copy(out, 12, 70, 74)
  for (let i = 0; i < 8; i++) {
    out.writeBigInt64LE(BigInt(one.readInt16LE(40 + 2 * i)), 16 + 8 * i)
    out.writeDoubleLE(one.readFloatLE(76 + 4 * i), 104 + 8 * i)
  }
  out.writeBigInt64LE(544n, 168)
  out.writeDoubleLE(1, 176)
  out.writeInt32LE(1, 348)
  for (let i = 0; i < 12; i++) out.writeDoubleLE(one.readFloatLE(280 + 4 * i), 400 + 8 * i)
  out.set(one.subarray(352), 544)
  return out
}

/**
 * Reads a file that may be anything: a SeptumError with code, file and remedy, or an image that holds together; both
 * in time.
 * @returns the error's code, or undefined for an image.
 */
async function outcome(name: string, bytes: Uint8Array): Promise<string | undefined> {
  const file = put(`bad-${name}`, bytes)
  const start = performance.now()
  let code: string | undefined
  try {
    const header = await readImageHeader(file)
    const image = checkImage(await readImage(file))
    expect(header.shape).toEqual(image.shape)
  } catch (error) {
    if (!(error instanceof SeptumError)) throw error
    expect(error.place.file, error.code).toBeDefined()
    expect(error.hint).toMatch(/\.$/)
    code = error.code
  }
  const spent = performance.now() - start
  if (spent > MILLISECONDS) throw new Error(`${name} took ${spent} ms`)
  return code
}

/** Resident memory gained by work, in megabytes: the process's highest mark, which only rises. */
async function memoryOf(work: () => Promise<void>): Promise<number> {
  const before = process.resourceUsage().maxRSS
  await work()
  return (process.resourceUsage().maxRSS - before) / 1024
}

describe('truncation at 64 points is an error each time', () => {
  it.each(names)('%s', async (name) => {
    const whole = files.get(name)!
    const codes: (string | undefined)[] = []
    const gained = await memoryOf(async () => {
      for (let cut = 0; cut < 64; cut++) {
        codes.push(await outcome(name, whole.subarray(0, Math.floor((whole.length * cut) / 64))))
      }
    })
    // Text may end in front of its last digit; an HDF5 file ends with what is not the image.
    const whole64 = codes.filter((code) => code === undefined).length
    expect(whole64).toBeLessThanOrEqual(name.endsWith('.h5') ? 40 : 0)
    expect(gained).toBeLessThan(MEGABYTES)
  })
})

describe('length fields', () => {
  const near = (value: number) => [0, -1, value - 1, value + 1]
  const fits = (value: number, least: number, most: number) => Math.min(most, Math.max(least, value))

  it.each(['one.nii', 'one.nii.gz'])('NIfTI-1 in %s: dimensions, sizes, type, offset', async (name) => {
    const packed = name.endsWith('.gz')
    const plain = files.get('one.nii')!
    const gained = await memoryOf(async () => {
      for (let field = 0; field < 8; field++) {
        for (const value of [...near(plain.readInt16LE(40 + 2 * field)), 32767, -32768]) {
          const bytes = Buffer.from(plain)
          bytes.writeInt16LE(fits(value, -32768, 32767), 40 + 2 * field)
          await outcome(name, packed ? gzipSync(bytes) : bytes)
        }
      }
      for (const value of [0, -1, 348, 351, 353, 1e9, 3e38, -3e38, Number.NaN, Infinity, 352.5]) {
        const bytes = Buffer.from(plain)
        bytes.writeFloatLE(value, 108)
        const code = await outcome(name, packed ? gzipSync(bytes) : bytes)
        expect(code, `offset ${value}`).toBe('volume-broken')
      }
      for (const value of [0, -1, 1, 3, 32, 32767]) {
        const bytes = Buffer.from(plain)
        bytes.writeInt16LE(value, 70)
        expect(await outcome(name, packed ? gzipSync(bytes) : bytes)).toMatch(/^volume-(broken|unsupported)$/)
      }
    })
    expect(gained).toBeLessThan(MEGABYTES)
  })

  it.each([0, 8, -1, 32767])('NIfTI-1 of %i dimensions', async (dimensions) => {
    const bytes = Buffer.from(files.get('one.nii')!)
    bytes.writeInt16LE(dimensions, 40)
    expect(await outcome('one.nii', bytes)).toBe('volume-broken')
  })

  it('NIfTI-2: dimensions, sizes, offset', async () => {
    const plain = files.get('two.nii')!
    const most = 2n ** 63n - 1n
    const gained = await memoryOf(async () => {
      for (const field of [16, 24, 32, 40, 48, 168]) {
        const value = plain.readBigInt64LE(field)
        for (const other of [0n, -1n, value - 1n, value + 1n, 2n ** 31n, 2n ** 53n, most, -most]) {
          const bytes = Buffer.from(plain)
          bytes.writeBigInt64LE(other, field)
          await outcome('two.nii', bytes)
        }
      }
    })
    expect(gained).toBeLessThan(MEGABYTES)
  })

  it.each([
    ['NaN', Number.NaN],
    ['infinite', Infinity],
  ])('a %s affine', async (_, value) => {
    const bytes = Buffer.from(files.get('one.nii')!)
    bytes.writeFloatLE(value, 296)
    expect(await outcome('one.nii', bytes)).toBe('volume-geometry')
    bytes.writeInt16LE(0, 254)
    bytes.writeInt16LE(1, 252)
    bytes.writeFloatLE(value, 256)
    expect(await outcome('one.nii', bytes)).toBe('volume-geometry')
    bytes.writeInt16LE(0, 252)
    bytes.writeFloatLE(value, 80)
    expect(await outcome('one.nii', bytes)).toBe('volume-geometry')
  })

  const lengths = [
    '0',
    '-1',
    '7',
    '9',
    '2147483647',
    '4294967295',
    '9007199254740993',
    '1e300',
    'nan',
    '',
    '0x10',
  ]
  it.each([
    ['raw.nrrd', 'sizes: 8', 'sizes: '],
    ['one.nrrd', 'sizes: 8', 'sizes: '],
    ['text.nrrd', 'sizes: 8', 'sizes: '],
    ['raw.nrrd', 'dimension: 3', 'dimension: '],
    ['raw.nrrd', 'encoding: raw', 'encoding: raw\nbyte skip: '],
    ['raw.nrrd', 'encoding: raw', 'encoding: raw\nline skip: '],
    ['raw.mha', 'DimSize = 8', 'DimSize = '],
    ['one.mha', 'DimSize = 8', 'DimSize = '],
    ['raw.mha', 'NDims = 3', 'NDims = '],
    ['raw.mha', 'NDims = 3', 'NDims = 3\nElementNumberOfChannels = '],
    ['one.npy', '(6, 7, 8)', '(6, 7, '],
  ])('%s: %s', async (name, from, to) => {
    const text = files.get(name)!.toString('latin1')
    expect(text).toContain(from)
    const gained = await memoryOf(async () => {
      for (const length of lengths) {
        const end = from.endsWith(')') ? ')' : ''
        await outcome(name, Buffer.from(text.replace(from, to + length + end), 'latin1'))
      }
    })
    expect(gained).toBeLessThan(MEGABYTES)
  })

  it('the lengths of a NumPy header and of an archive', async () => {
    for (const length of [0, 1, 65535]) {
      const bytes = Buffer.from(files.get('one.npy')!)
      bytes.writeUInt16LE(length, 8)
      expect(await outcome('one.npy', bytes)).toBe('volume-broken')
    }
    for (const name of ['one.npz', 'stored.npz']) {
      const whole = files.get(name)!
      const directory = whole.indexOf('PK\x01\x02', 0, 'latin1')
      const end = whole.lastIndexOf('PK\x05\x06', undefined, 'latin1')
      for (const at of [directory + 20, directory + 24, directory + 42, end + 12, end + 16]) {
        const value = whole.readUInt32LE(at)
        for (const other of [0, 0xffffffff, 0xfffffffe, 0x7fffffff, value - 1, value + 1]) {
          const bytes = Buffer.from(whole)
          bytes.writeUInt32LE(Math.max(0, other), at)
          await outcome(name, bytes)
        }
      }
    }
  })
})

describe('bombs', () => {
  /** 2 GiB of zeros, deflated to 2 MB by repeating members of 16 MiB. */
  const zeros = () => {
    const member = gzipSync(Buffer.alloc(2 ** 24))
    return Buffer.concat(Array.from({ length: 128 }, () => member))
  }

  it('a small volume followed by 2 GiB of zeros is refused early', async () => {
    const bytes = Buffer.concat([gzipSync(files.get('one.nii')!), zeros()])
    let error: SeptumError | undefined
    const gained = await memoryOf(async () => {
      const start = performance.now()
      error = await problemOf(readImage(put('bomb.nii.gz', bytes)))
      expect(performance.now() - start).toBeLessThan(MILLISECONDS)
    })
    expect(error!.message).toContain('far more data than its header says')
    expect(gained).toBeLessThan(MEGABYTES)
  })

  it('a volume beyond the limit is refused by its header alone', async () => {
    const head = Buffer.from(files.get('one.nii')!.subarray(0, 352))
    ;[3, 2000, 1000, 1000].forEach((size, i) => {
      head.writeInt16LE(size, 40 + 2 * i)
    })
    const file = put('large.nii.gz', Buffer.concat([gzipSync(head), zeros()]))
    expect((await problemOf(readImage(file))).code).toBe('volume-too-large')
    const limited = readImage(put('small.nii', files.get('one.nii')!), { maxBytes: samples.byteLength - 1 })
    expect((await problemOf(limited)).code).toBe('volume-too-large')
  })

  it('a header that promises what so few compressed bytes cannot hold', async () => {
    const head = Buffer.from(files.get('one.nii')!.subarray(0, 352))
    head.writeInt16LE(32767, 42)
    head.writeInt16LE(20000, 44)
    head.writeInt16LE(1, 46)
    const error = await problemOf(readImage(put('promise.nii.gz', gzipSync(head))))
    expect(error.message).toContain('cannot come from')
  })

  it('an archive whose entry goes on after its array', async () => {
    const content = Buffer.concat([files.get('one.npy')!, Buffer.alloc(2 ** 24)])
    const packed = deflateRawSync(content)
    // APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16: local header, central header, end; the checksum is never reached.
    const name = Buffer.from('image.npy')
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(name.length, 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(8, 10)
    central.writeUInt32LE(packed.length, 20)
    central.writeUInt32LE(content.length, 24)
    central.writeUInt16LE(name.length, 28)
    const end = Buffer.alloc(22)
    end.writeUInt32LE(0x06054b50, 0)
    end.writeUInt16LE(1, 10)
    end.writeUInt32LE(30 + name.length + packed.length, 16)
    const file = put('entry.npz', Buffer.concat([local, name, packed, central, name, end]))
    expect((await problemOf(readImage(file))).message).toContain('in an entry of')
  })

  it('endless text in a header', async () => {
    const line = Buffer.from('Comment = x\n'.repeat(2 ** 17))
    expect(await outcome('one.mha', Buffer.concat([Buffer.from('NDims = 3\n'), line]))).toBe('volume-broken')
    const key = Buffer.from(`NRRD0004\n${'key:=value\n'.repeat(2 ** 18)}`)
    expect(await outcome('one.nrrd', key)).toBe('volume-broken')
  })
})

describe('seeded mutations: always a typed error or a valid image', () => {
  it.each(names)('%s', async (name) => {
    const random = new Random(20, names.indexOf(name))
    const packed = name === 'one.nii.gz'
    const whole = packed ? gunzipSync(files.get(name)!) : files.get(name)!
    let refused = 0
    const rounds = 300
    const gained = await memoryOf(async () => {
      for (let round = 0; round < rounds; round++) {
        const bytes = mutated(whole, random)
        // Half of the compressed ones are damaged inside the compressed data.
        const content = packed ? (round % 2 ? gzipSync(bytes) : mutated(files.get(name)!, random)) : bytes
        if ((await outcome(name, content)) !== undefined) refused++
      }
    })
    expect(refused).toBeGreaterThan(rounds / 20)
    expect(gained).toBeLessThan(MEGABYTES)
  })

  /** Up to 8 bytes changed, mostly in the header, sometimes a piece left out or doubled. */
  function mutated(whole: Buffer, random: Random): Buffer {
    const bytes = Buffer.from(whole)
    const header = Math.min(bytes.length, 400)
    for (let change = random.int(8); change >= 0; change--) {
      const at = random.int(random.uniform() < 0.7 ? header : bytes.length)
      const kind = random.int(4)
      bytes[at] =
        kind === 0 ? 0 : kind === 1 ? 255 : kind === 2 ? bytes[at]! ^ (1 << random.int(8)) : random.int(256)
    }
    if (random.uniform() > 0.2) return bytes
    const [from, to] = [random.int(bytes.length), random.int(bytes.length)]
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
  }
})

it('leaves no file of its own behind', () => {
  expect(existsSync('/septum-0.h5')).toBe(false)
  expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([])
})
