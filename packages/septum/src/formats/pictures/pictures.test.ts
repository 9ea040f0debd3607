import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkImage, Random, SeptumError } from '@septum/core'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { readImage, readImageHeader } from '../registry.js'
import { readTiff } from './index.js'

/** Values of tifffile and Pillow; see fixtures/make_pictures.py. */
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const expected = JSON.parse(readFileSync(fixture('pictures.json'), 'utf8')) as Record<
  string,
  { shape: number[]; values: number[]; max: number; tolerance: number }
>
const dir = mkdtempSync(join(tmpdir(), 'septum-pictures-'))
afterAll(() => rmSync(dir, { recursive: true }))

function put(name: string, bytes: Uint8Array): string {
  const file = join(dir, name)
  writeFileSync(file, bytes)
  return file
}

/**
 * A typed error or a valid image within 2 s (of processor time: machines that run tests are shared) and 256 MB.
 * @returns the error's code, or `image`.
 */
async function attempt(bytes: Uint8Array, name: string): Promise<string> {
  const file = put(name, bytes)
  const before = process.memoryUsage().rss
  const start = process.cpuUsage()
  const outcome = await readImage(file).then(
    (image) => {
      checkImage(image)
      return 'image'
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(SeptumError)
      return (error as SeptumError).code
    },
  )
  const { user, system } = process.cpuUsage(start)
  expect(user + system).toBeLessThan(2e6)
  expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20)
  return outcome
}

describe('TIFF and BMP give the values of tifffile and Pillow', () => {
  it.each(Object.entries(expected))('%s', async (name, { shape, values, max, tolerance }) => {
    const image = checkImage(await readImage(fixture(name)))
    expect(image.shape).toEqual(shape)
    expect(image.maxValue).toBe(max)
    const worst = values.reduce((most, value, i) => Math.max(most, Math.abs(value - image.data[i]!)), 0)
    expect(worst).toBeLessThanOrEqual(tolerance)
    const header = await readImageHeader(fixture(name))
    expect([header.shape, header.maxValue]).toEqual([shape, max])
  })

  it('keeps the sample type', async () => {
    expect((await readImage(fixture('i16.tif'))).data).toBeInstanceOf(Int16Array)
    expect((await readImage(fixture('f64.tif'))).data).toBeInstanceOf(Float64Array)
    expect((await readImage(fixture('u32.tif'))).data).toBeInstanceOf(Uint32Array)
  })

  it('reads one page of several', async () => {
    const second = await readTiff(fixture('pages.tif'), undefined, 1)
    expect(second.shape).toEqual([1, 12, 10])
    expect([...second.data]).toEqual(expected['pages.tif']!.values.slice(120, 240))
    await expect(readTiff(fixture('pages.tif'), undefined, 3)).rejects.toMatchObject({
      code: 'picture-broken',
    })
  })

  it('is not left to libvips, which makes negative numbers 0 and refuses float64', async () => {
    const { data } = await sharp(fixture('i16.tif'))
      .raw({ depth: 'short' })
      .toBuffer({ resolveWithObject: true })
    expect(data.readInt16LE(0)).not.toBe(expected['i16.tif']!.values[0])
    await expect(sharp(fixture('f64.tif')).raw().toBuffer()).rejects.toThrow()
  })
})

/** A BMP assembled byte by byte from Microsoft's description of its headers. */
function bmp(
  size: [number, number],
  bits: number,
  compression: number,
  palette: number[][],
  pixels: number[],
  masks: number[] = [],
): Uint8Array {
  const colours = Buffer.from(palette.flatMap(([r, g, b]) => [b!, g!, r!, 0]))
  const fields = Buffer.alloc(4 * masks.length)
  for (const [i, mask] of masks.entries()) fields.writeUInt32LE(mask >>> 0, 4 * i)
  const header = Buffer.alloc(54)
  const offset = 54 + fields.length + colours.length
  header.write('BM')
  header.writeUInt32LE(offset + pixels.length, 2)
  header.writeUInt32LE(offset, 10)
  header.writeUInt32LE(40, 14)
  header.writeInt32LE(size[0], 18)
  header.writeInt32LE(size[1], 22)
  header.writeUInt16LE(1, 26)
  header.writeUInt16LE(bits, 28)
  header.writeUInt32LE(compression, 30)
  header.writeUInt32LE(palette.length, 46)
  return Buffer.concat([header, fields, colours, Buffer.from(pixels)])
}

const three = [
  [0, 0, 0],
  [200, 100, 50],
  [1, 2, 3],
]

describe('forms of BMP that Pillow does not write', () => {
  it.each([
    // Bottom row first: [1 1 2 0] below [0 2 2 2]; (3,0)... by hand.
    ['RLE8', bmp([4, 2], 8, 1, three, [2, 1, 1, 2, 0, 0, 1, 0, 3, 2, 0, 1]), [0, 2, 2, 2, 1, 1, 2, 0]],
    [
      'RLE8 with literals and a jump',
      bmp([4, 2], 8, 1, three, [0, 3, 1, 2, 1, 0, 0, 2, 0, 1, 1, 2, 0, 1]),
      [0, 0, 0, 2, 1, 2, 1, 0],
    ],
    ['RLE4', bmp([4, 2], 4, 2, three, [4, 0x12, 0, 0, 0, 4, 0x01, 0x20, 0, 1]), [0, 1, 2, 0, 1, 2, 1, 2]],
    [
      '4 bits, from the top',
      bmp([3, -2], 4, 0, three, [0x01, 0x20, 0, 0, 0x21, 0x00, 0, 0]),
      [0, 1, 2, 2, 1, 0],
    ],
  ])('%s', async (_, bytes, indices) => {
    const image = await readImage(put('crafted.bmp', bytes))
    const wanted = [0, 1, 2].flatMap((channel) => indices.map((index) => three[index]![channel]!))
    expect([...image.data]).toEqual(wanted)
  })

  it('16 bits: five for each colour, and masks of 5, 6 and 5', async () => {
    // 31 of 31 red is 255; 16 of 31 green is 132; 32 of 63 green is 130.
    const plain = await readImage(put('16.bmp', bmp([2, 1], 16, 0, [], [0x00, 0x7c, 0x00, 0x02])))
    expect([...plain.data]).toEqual([255, 0, 0, 132, 0, 0])
    const masks = [0xf800, 0x07e0, 0x001f]
    const masked = await readImage(put('565.bmp', bmp([2, 1], 16, 3, [], [0x00, 0xf8, 0x00, 0x04], masks)))
    expect([...masked.data]).toEqual([255, 0, 0, 130, 0, 0])
  })
})

describe('bad pictures', () => {
  const names = [
    'lzw-predictor.tif',
    'tiles.tif',
    'zlib.tif',
    'pages.tif',
    'jpeg.tif',
    'big-tiff.tif',
    'palette.bmp',
  ]

  it.each(names)('%s: 64 truncations and seeded mutations', async (name) => {
    const whole = new Uint8Array(readFileSync(fixture(name)))
    for (let point = 0; point < 64; point++) {
      await attempt(whole.subarray(0, Math.floor((point * whole.length) / 64)), `cut-${name}`)
    }
    const random = new Random(7, names.indexOf(name))
    for (let round = 0; round < 120; round++) {
      const bytes = whole.slice()
      // TIFF keeps its fields at the end or the beginning: a third of the hits go to each, the rest anywhere.
      for (let hit = 0; hit <= round % 4; hit++) {
        const reach = [bytes.length, 200, bytes.length][round % 3]!
        const at =
          round % 3 === 2
            ? bytes.length - 1 - random.int(Math.min(300, reach))
            : random.int(Math.min(reach, bytes.length))
        bytes[at] = random.int(256)
      }
      await attempt(bytes, `mutated-${name}`)
    }
  })

  it('TIFF fields with wild offsets, counts and sizes', async () => {
    const whole = readFileSync(fixture('strips.tif'))
    const start = whole.readUInt32LE(4)
    const fields = whole.readUInt16LE(start)
    expect(fields).toBeGreaterThan(8)
    for (let field = 0; field < fields; field++) {
      for (const value of [0, 1, 0xffffffff, 0x7fffffff, whole.length - 1, whole.length + 1, 65535]) {
        for (const at of [4, 8]) {
          const bytes = Buffer.from(whole)
          bytes.writeUInt32LE(value, start + 2 + 12 * field + at)
          await attempt(bytes, 'wild.tif')
        }
      }
    }
    const circle = Buffer.from(whole)
    circle.writeUInt32LE(start, start + 2 + 12 * fields)
    expect(await attempt(circle, 'circle.tif')).toBe('picture-broken')
  })

  it('BMP headers with each field at its ends', async () => {
    const whole = readFileSync(fixture('palette.bmp'))
    for (const at of [2, 10, 14, 18, 22, 28, 30, 34, 46]) {
      for (const value of [0, 1, 0xffffffff, 0x7fffffff, 0x80000000, whole.length, 70_000]) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt32LE(value, at)
        await attempt(bytes, 'field.bmp')
      }
    }
    expect(await attempt(bmp([4, 2], 8, 1, three, [9, 1, 0, 1]), 'run.bmp')).toBe('picture-broken')
    expect(await attempt(bmp([4, 2], 8, 1, three, [2, 7, 0, 1]), 'index.bmp')).toBe('picture-broken')
    expect(await attempt(bmp([40_000, 40_000], 8, 1, three, [0, 1]), 'wide.bmp')).toBe('picture-too-large')
  })

  it('PNG of 60,000 x 60,000 and TIFF of as many, from their headers', async () => {
    const header = Buffer.alloc(33)
    header.set([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13])
    header.write('IHDR', 12)
    header.writeUInt32BE(60_000, 16)
    header.writeUInt32BE(60_000, 20)
    header[24] = 8
    expect(await attempt(header, 'large.png')).toBe('picture-too-large')
    const tiff = Buffer.from(readFileSync(fixture('u8.tif')))
    const start = tiff.readUInt32LE(4)
    for (let field = 0; field < tiff.readUInt16LE(start); field++) {
      const at = start + 2 + 12 * field
      if ([256, 257, 278].includes(tiff.readUInt16LE(at))) {
        tiff.writeUInt16LE(4, at + 2)
        tiff.writeUInt32LE(60_000, at + 8)
      }
    }
    expect(await attempt(tiff, 'large.tif')).toBe('picture-too-large')
  })

  it('pages of different sizes', async () => {
    const bytes = Buffer.from(readFileSync(fixture('pages.tif')))
    const second = bytes.readUInt32LE(
      bytes.readUInt32LE(4) + 2 + 12 * bytes.readUInt16LE(bytes.readUInt32LE(4)),
    )
    for (let field = 0; field < bytes.readUInt16LE(second); field++) {
      const at = second + 2 + 12 * field
      if (bytes.readUInt16LE(at) === 257) bytes.writeUInt32LE(5, at + 8)
    }
    expect(await attempt(bytes, 'sizes.tif')).toBe('picture-pages')
  })
})
