import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import { SeptumError } from '@septum/core'
import sharp from 'sharp'
import { afterAll, describe, expect, it } from 'vitest'
import { encodePng, readPicture, readPictureHeader, writeMask, writePng } from './index.js'

const dir = mkdtempSync(join(tmpdir(), 'septum-formats-'))
afterAll(() => rmSync(dir, { recursive: true }))

function put(name: string, content: Uint8Array | string): string {
  const file = join(dir, name)
  writeFileSync(file, content)
  return file
}

function chunk(name: string, body: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + body.length)
  out.writeUInt32BE(body.length, 0)
  out.write(name, 4, 'latin1')
  out.set(body, 8)
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length)
  return out
}

/** A PNG assembled byte by byte from the standard, so that the decoder is not tested against its own encoder. */
function png(
  size: [number, number],
  depth: number,
  colour: number,
  rows: number[][],
  extra: Buffer[] = [],
): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(size[0], 0)
  header.writeUInt32BE(size[1], 4)
  header[8] = depth
  header[9] = colour
  const raw = Buffer.concat(rows.map((row) => Buffer.from([0, ...row])))
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...extra,
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

async function problem(work: Promise<unknown>): Promise<SeptumError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SeptumError)
  return error as SeptumError
}

describe('reading stored values', () => {
  it.each([
    ['8-bit grey', png([4, 1], 8, 0, [[0, 1, 128, 255]]), [0, 1, 128, 255], [1, 1, 4], 255],
    ['16-bit grey', png([2, 1], 16, 0, [[0x12, 0x34, 0xff, 0xff]]), [0x1234, 0xffff], [1, 1, 2], 65535],
    ['4-bit grey', png([4, 1], 4, 0, [[0x01, 0x2f]]), [0, 1, 2, 15], [1, 1, 4], 15],
    ['2-bit grey', png([4, 1], 2, 0, [[0b00011011]]), [0, 1, 2, 3], [1, 1, 4], 3],
    ['1-bit grey', png([4, 1], 1, 0, [[0b01010000]]), [0, 1, 0, 1], [1, 1, 4], 1],
    ['8-bit RGB', png([2, 1], 8, 2, [[1, 2, 3, 4, 5, 6]]), [1, 4, 2, 5, 3, 6], [3, 1, 2], 255],
    ['16-bit RGB', png([1, 1], 16, 2, [[1, 0, 2, 0, 3, 9]]), [256, 512, 777], [3, 1, 1], 65535],
    ['grey and alpha', png([2, 1], 8, 4, [[7, 0, 9, 255]]), [7, 9], [1, 1, 2], 255],
    ['RGB and alpha', png([1, 1], 8, 6, [[10, 20, 30, 0]]), [10, 20, 30], [3, 1, 1], 255],
    [
      'palette',
      png([2, 1], 8, 3, [[1, 0]], [chunk('PLTE', Buffer.from([0, 0, 0, 200, 100, 50]))]),
      [200, 0, 100, 0, 50, 0],
      [3, 1, 2],
      255,
    ],
  ])('%s', async (name, bytes, values, shape, maxValue) => {
    const picture = await readPicture(put(`${name}.png`, bytes))
    expect([...picture.data]).toEqual(values)
    expect(picture.shape).toEqual(shape)
    expect(picture.maxValue).toBe(maxValue)
  })

  it('keeps all 256 grey levels and all 65,536 deep ones', async () => {
    const grey = Array.from({ length: 256 }, (_, value) => value)
    expect([...(await readPicture(put('ramp8.png', png([256, 1], 8, 0, [grey])))).data]).toEqual(grey)
    const deep = Array.from({ length: 65536 }, (_, value) => [value >> 8, value & 255]).flat()
    const rows = Array.from({ length: 256 }, (_, row) => deep.slice(row * 512, row * 512 + 512))
    const { data } = await readPicture(put('ramp16.png', png([256, 256], 16, 0, rows)))
    expect(data.every((value, index) => value === index)).toBe(true)
  })

  it('does not apply a gamma chunk', async () => {
    const gamma = Buffer.alloc(4)
    gamma.writeUInt32BE(100_000)
    const bytes = png([2, 1], 8, 0, [[50, 200]], [chunk('gAMA', gamma)])
    expect([...(await readPicture(put('gamma.png', bytes))).data]).toEqual([50, 200])
  })

  it('reads JPEG, leaves its orientation as stored and reports it', async () => {
    const raw = { width: 16, height: 8, channels: 3 as const }
    const file = put(
      'turned.jpg',
      await sharp(Buffer.alloc(16 * 8 * 3, 90), { raw })
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer(),
    )
    expect(await readPictureHeader(file)).toMatchObject({ width: 16, height: 8, channels: 3, orientation: 6 })
    const picture = await readPicture(file)
    expect(picture.shape).toEqual([3, 8, 16])
    expect(picture.data.every((value) => Math.abs(value - 90) <= 1)).toBe(true)
  })
})

describe('bad files name themselves and the remedy', () => {
  const noise = Buffer.from(Array.from({ length: 64 * 64 }, (_, i) => (i * 7919) % 251))
  const raw = { width: 64, height: 64, channels: 1 as const }

  it('a text file named .png', async () => {
    const error = await problem(readPicture(put('text.png', 'this is a list of patients and not a picture')))
    expect(error.code).toBe('picture-format')
    expect(error.toLine()).toMatch(
      /neither a PNG nor a JPEG picture but text \(.*text\.png\)\. Save it as PNG/,
    )
  })

  it('an SVG named .png, which the decoder could render', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>'
    expect((await problem(readPicture(put('svg.png', svg)))).code).toBe('picture-format')
  })

  it.each(['png', 'jpeg'] as const)('a truncated %s', async (format) => {
    const whole = await sharp(noise, { raw }).toFormat(format).toBuffer()
    const error = await problem(readPicture(put(`cut.${format}`, whole.subarray(0, whole.length >> 1))))
    expect(error.code).toBe('picture-broken')
    expect(error.toLine()).toContain(`cut.${format}`)
  })

  it.each([10, 20])('a PNG of %i bytes', async (bytes) => {
    const whole = await sharp(noise, { raw }).png().toBuffer()
    expect((await problem(readPicture(put('stub.png', whole.subarray(0, bytes))))).code).toBe(
      'picture-broken',
    )
  })

  it('a PNG with a damaged chunk', async () => {
    const bytes = await sharp(noise, { raw }).png().toBuffer()
    bytes.fill(0x55, bytes.length >> 1, (bytes.length >> 1) + 40)
    expect((await problem(readPicture(put('damaged.png', bytes)))).code).toBe('picture-broken')
  })

  it('an empty file, a missing file, a folder', async () => {
    expect((await problem(readPicture(put('empty.png', '')))).code).toBe('picture-empty')
    expect((await problem(readPicture(join(dir, 'nowhere.png')))).code).toBe('picture-missing')
    expect((await problem(readPicture(dir))).code).toBe('picture-format')
  })

  it('a 30,000-pixel-wide picture, refused from its header alone', async () => {
    // No pixel data follow the header: any attempt to decode would say "damaged" instead.
    const file = put('wide.png', png([30_000, 40], 8, 0, []))
    const error = await problem(readPicture(file))
    expect(error.code).toBe('picture-too-large')
    expect(error.toLine()).toMatch(
      /30000 x 40 pixels, more than the limit of 16384 a side.*Cut it into tiles/,
    )
  })
})

describe('writing', () => {
  it.each([
    ['grey', new Uint8Array([0, 1, 2, 3, 250, 255]), [1, 2, 3]],
    ['RGB', new Uint8Array([1, 2, 3, 4, 5, 6]), [3, 1, 2]],
    ['16-bit grey', new Uint16Array([0, 300, 65535, 7]), [1, 2, 2]],
  ])('%s comes back unchanged', async (name, data, shape) => {
    const file = join(dir, `written ${name}.png`)
    await writePng(file, { data, shape })
    const back = await readPicture(file)
    expect(back.data).toEqual(data)
    expect(back.shape).toEqual(shape)
  })

  it('writes grey masks as one channel of 8 bits (PNG clause 11.2.2: depth 8, colour type 0)', async () => {
    const file = join(dir, 'mask.png')
    await writeMask(file, new Uint8Array([0, 1, 1, 0]), [2, 2], 255)
    expect([...readFileSync(file).subarray(24, 26)]).toEqual([8, 0])
    expect([...(await readPicture(file)).data]).toEqual([0, 255, 255, 0])
  })

  it('refuses two channels and a folder that is not there', async () => {
    const two = { data: new Uint8Array(8), shape: [2, 2, 2] }
    expect((await problem(encodePng(two))).code).toBe('picture-shape')
    const nowhere = writePng(join(dir, 'no', 'such.png'), { data: new Uint8Array(1), shape: [1, 1, 1] })
    expect((await problem(nowhere)).code).toBe('write-failed')
  })
})
