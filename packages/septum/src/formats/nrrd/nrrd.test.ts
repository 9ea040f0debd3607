import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fromAffineLps, type MedicalImage, orientationCode, toAffineLps } from '@septum/core'
import { afterAll, describe, expect, it } from 'vitest'
import { readImage, readImageHeader, writeImage } from '../registry.js'
import { problemOf, testFolder } from '../volume/testing.js'

const { dir, put, remove } = testFolder('nrrd')
afterAll(remove)

/** 24 samples of 2 x 3 x 4 (x, y, z), value = its place in the file. */
const ramp = Int16Array.from({ length: 24 }, (_, at) => at * 10 - 7)
const little = Buffer.from(ramp.buffer)
const big = Buffer.from(little).swap16()

/** A file by the format's definition, teem.sourceforge.net/nrrd/format.html. */
function nrrd(fields: readonly string[], samples: Uint8Array | string = ''): Buffer {
  return Buffer.concat([
    Buffer.from(`NRRD0005\n${fields.join('\n')}\n\n`, 'latin1'),
    Buffer.from(samples as Uint8Array),
  ])
}
const basic = ['type: short', 'dimension: 3', 'sizes: 2 3 4']
const placed = [
  ...basic,
  'space: left-posterior-superior',
  'space directions: (2,0,0) (0,3,0) (0,0,4)',
  'space origin: (5,6,7)',
]

async function read(content: Uint8Array, name = 'case.nrrd'): Promise<MedicalImage> {
  return readImage(put(name, content))
}

describe('encodings and byte orders give the same samples', () => {
  const text = ramp.join(' ')
  it.each([
    ['raw, little-endian', nrrd([...placed, 'encoding: raw', 'endian: little'], little)],
    ['raw, big-endian', nrrd([...placed, 'encoding: raw', 'endian: big'], big)],
    ['gzip', nrrd([...placed, 'encoding: gzip', 'endian: little'], gzipSync(little))],
    ['gz, big-endian', nrrd([...placed, 'encoding: gz', 'endian: big'], gzipSync(big))],
    ['text', nrrd([...placed, 'encoding: ascii'], text)],
    ['text on lines', nrrd([...placed, 'encoding: text'], text.replaceAll(' ', '\n'))],
    [
      'hex',
      nrrd(
        [...placed, 'encoding: hex', 'endian: little'],
        little.toString('hex').replace(/(.{16})/g, '$1\n'),
      ),
    ],
    [
      'comments, keys, another case and carriage returns',
      nrrd(
        [
          '# made by hand',
          'key:=a: value',
          'Type: signed short',
          'Dimension: 3',
          'Sizes: 2 3 4',
          ...placed.slice(3),
          'Encoding: RAW',
          'Endian: Little',
        ]
          .map((line) => `${line}\r`)
          .concat('\r')
          .slice(0, -1),
        Buffer.concat([little]),
      ),
    ],
    [
      'bytes to pass over',
      nrrd(
        [...placed, 'encoding: raw', 'endian: little', 'byte skip: 3'],
        Buffer.concat([Buffer.from('abc'), little]),
      ),
    ],
    [
      'lines to pass over',
      nrrd(
        [...placed, 'encoding: raw', 'endian: little', 'line skip: 2', 'byte skip: 1'],
        Buffer.concat([Buffer.from('ab\n\nc'), little]),
      ),
    ],
    [
      'samples at the end of the file',
      nrrd(
        [...placed, 'encoding: raw', 'endian: little', 'byte skip: -1'],
        Buffer.concat([Buffer.alloc(100), little]),
      ),
    ],
    [
      'bytes to pass over in inflated data',
      nrrd(
        [...placed, 'encoding: gzip', 'endian: little', 'byte skip: 3'],
        gzipSync(Buffer.concat([Buffer.from('abc'), little])),
      ),
    ],
  ])('%s', async (_, content) => {
    const { data, shape, geometry } = await read(content)
    expect([...data]).toEqual([...ramp])
    expect(data).toBeInstanceOf(Int16Array)
    expect(shape).toEqual([1, 4, 3, 2])
    expect(toAffineLps(geometry!)).toEqual([2, 0, 0, 5, 0, 3, 0, 6, 0, 0, 4, 7, 0, 0, 0, 1])
  })
})

describe('samples in files of their own', () => {
  const head = (dataFile: string, more: readonly string[] = []) =>
    nrrd([...placed, 'encoding: raw', 'endian: little', ...more, `data file: ${dataFile}`])

  it('one file, beside the header', async () => {
    put('one.raw', little)
    expect([...(await read(head('one.raw'), 'one.nhdr')).data]).toEqual([...ramp])
    put('packed.gz', gzipSync(little))
    const packed = nrrd([...placed, 'encoding: gzip', 'endian: little', 'datafile: ./packed.gz'])
    expect([...(await read(packed, 'packed.nhdr')).data]).toEqual([...ramp])
  })

  it('a numbered file for each slice, and a LIST', async () => {
    for (let z = 0; z < 4; z++)
      put(`slice${String(7 + z).padStart(2, '0')}.raw`, little.subarray(z * 12, z * 12 + 12))
    expect([...(await read(head('slice%02d.raw 7 10 1 2'), 'many.nhdr')).data]).toEqual([...ramp])
    const names = [7, 8, 9, 10].map((z) => `slice${String(z).padStart(2, '0')}.raw`)
    const list = Buffer.from(
      head('LIST 2').toString('latin1').trimEnd().concat('\n', names.join('\n'), '\n'),
      'latin1',
    )
    expect([...(await read(list, 'list.nhdr')).data]).toEqual([...ramp])
  })

  it.each(['/etc/hostname', '../secret.raw', 'a/../../secret.raw', '..\\secret.raw'])(
    'refuses %s',
    async (name) => {
      expect((await problemOf(read(head(name), 'out.nhdr'))).code).toBe('volume-data-file')
    },
  )

  it('a missing file is named', async () => {
    const error = await problemOf(read(head('nowhere.raw'), 'missing.nhdr'))
    expect(error.place.file).toMatch(/nowhere\.raw$/)
  })
})

describe('axes and spaces', () => {
  it.each([
    // RAS (1, 2, 3) is LPS (-1, -2, 3): by hand.
    ['right-anterior-superior', 'RAS', [-5, -6, 7]],
    ['left-anterior-superior', 'LAS', [5, -6, 7]],
    ['LPS', 'LPS', [5, 6, 7]],
  ])('%s', async (space, code, origin) => {
    const fields = [...basic, `space: ${space}`, ...placed.slice(4), 'encoding: raw', 'endian: little']
    const { geometry } = await read(nrrd(fields, little))
    expect(orientationCode(geometry!)).toBe(code)
    expect(geometry!.originMm).toEqual(origin)
  })

  it('an oblique, sheared grid', async () => {
    const fields = [
      ...basic,
      'space: LPS',
      'space directions: (2,0.5,0) (0,3,-0.25) (0.125,0,4)',
      'space origin: (1,2,3)',
    ]
    const { geometry } = await read(nrrd([...fields, 'encoding: raw', 'endian: little'], little))
    toAffineLps(geometry!).forEach((value, at) => {
      expect(value).toBeCloseTo([2, 0, 0.125, 1, 0.5, 3, 0, 2, 0, -0.25, 4, 3, 0, 0, 0, 1][at]!, 12)
    })
  })

  it('colours before, a list behind or between the axes of space become channels', async () => {
    const bytes = Uint8Array.from({ length: 24 }, (_, at) => at)
    const directions = ['(1,0,0)', '(0,1,0)', '(0,0,1)']
    const file = (sizes: string, order: string[]) =>
      nrrd(
        [
          'type: uchar',
          'dimension: 4',
          `sizes: ${sizes}`,
          'space: LPS',
          `space directions: ${order.join(' ')}`,
          'encoding: raw',
        ],
        bytes,
      )
    const first = await read(file('3 2 2 2', ['none', ...directions]))
    expect(first.shape).toEqual([3, 2, 2, 2])
    expect([...first.data.subarray(0, 8)]).toEqual([0, 3, 6, 9, 12, 15, 18, 21])
    const last = await read(file('2 2 2 3', [...directions, 'none']))
    expect([...last.data]).toEqual([...bytes])
    const middle = await read(file('2 2 3 2', [directions[0]!, directions[1]!, 'none', directions[2]!]))
    expect([...middle.data.subarray(0, 8)]).toEqual([0, 1, 2, 3, 12, 13, 14, 15])
    const kinds = nrrd(
      ['type: uchar', 'dimension: 3', 'sizes: 3 4 2', 'kinds: RGB-color domain domain', 'encoding: raw'],
      bytes,
    )
    expect((await read(kinds)).shape).toEqual([3, 2, 4])
  })

  it('spacings alone, and nothing at all', async () => {
    const spaced = await readImageHeader(
      put('spaced.nrrd', nrrd([...basic, 'spacings: 0.5 0.75 2', 'encoding: raw', 'endian: little'], little)),
    )
    expect(spaced.geometry!.spacingMm).toEqual([2, 0.75, 0.5])
    expect(spaced.notes).toHaveLength(1)
    const bare = await read(nrrd([...basic, 'encoding: raw', 'endian: little'], little))
    expect(bare.geometry).toBeUndefined()
  })
})

it.each([
  ['an unknown encoding', ['encoding: bzip2', 'endian: little'], 'volume-unsupported'],
  ['no byte order', ['encoding: raw'], 'volume-broken'],
  ['a field twice', ['encoding: raw', 'endian: little', 'sizes: 2 3 4'], 'volume-broken'],
  ['a line that is no field', ['encoding: raw', 'nonsense'], 'volume-broken'],
  [
    'one direction too few',
    ['encoding: raw', 'endian: little', 'space: LPS', 'space directions: (1,0,0) (0,1,0)'],
    'volume-broken',
  ],
  [
    'a direction that is not finite',
    ['encoding: raw', 'endian: little', 'space: LPS', 'space directions: (1,0,0) (0,nan,0) (0,0,1)'],
    'volume-geometry',
  ],
  [
    'another space',
    ['encoding: raw', 'endian: little', 'space: left-posterior-superior-time'],
    'volume-unsupported',
  ],
])('refuses %s', async (_, fields, code) => {
  expect((await problemOf(read(nrrd([...basic, ...fields], little)))).code).toBe(code)
})

it('refuses text with a number that its type cannot hold', async () => {
  const fields = ['type: uchar', 'dimension: 2', 'sizes: 2 2', 'encoding: ascii']
  expect((await problemOf(read(nrrd(fields, '1 2 3 256')))).code).toBe('volume-broken')
  expect((await problemOf(read(nrrd(fields, '1 2 3 x')))).code).toBe('volume-broken')
  expect((await problemOf(read(nrrd(fields, '1 2 3   ')))).code).toBe('volume-broken')
})

it('writes what it reads: types, channels, planes, oblique geometry', async () => {
  const volume = fromAffineLps([2, 0, 0.125, 1, 0.5, 3, 0, 2, 0, -0.25, 4, 3, 0, 0, 0, 1])
  const plane = fromAffineLps([0, 2, 0, 1, 1, 0, 0, 2, 0, 0, 1, 3, 0, 0, 0, 1], 2)
  const images: MedicalImage[] = [
    { data: ramp, shape: [1, 4, 3, 2], geometry: volume, maxValue: 1 },
    { data: Float32Array.from(ramp), shape: [2, 2, 3, 2], geometry: volume, maxValue: 1 },
    { data: Uint8Array.from(ramp), shape: [3, 4, 2], geometry: plane, maxValue: 255 },
    { data: Float64Array.from(ramp), shape: [1, 6, 4], maxValue: 1 },
    { data: Uint16Array.from(ramp), shape: [1, 6, 4], maxValue: 65535 },
  ]
  for (const [i, image] of images.entries()) {
    const file = join(dir, `written${i}.nrrd`)
    await writeImage(file, image)
    const back = await readImage(file)
    expect(back.data).toEqual(image.data)
    expect(back.shape).toEqual(image.shape)
    expect(back.maxValue).toBe(image.maxValue)
    if (!image.geometry) expect(back.geometry).toBeUndefined()
    else {
      toAffineLps(back.geometry!).forEach((value, at) => {
        expect(value).toBeCloseTo(toAffineLps(image.geometry!)[at]!, 12)
      })
    }
  }
})
