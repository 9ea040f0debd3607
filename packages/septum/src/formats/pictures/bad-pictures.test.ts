import { crc32, deflateSync } from 'node:zlib'
import { checkImage, Random } from '@septum/core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readImage, readImageHeader } from '../registry.js'
import { bounded, mutated, testFolder, truncations } from '../volume/testing.js'

const { put, remove } = testFolder('bad-pictures')
afterAll(remove)

/** Pictures of 37 x 29 in every form that hospitals and challenges send. */
const files = new Map<string, Buffer>()
beforeAll(async () => {
  const [width, height] = [37, 29]
  const grey = Uint8Array.from({ length: width * height }, (_, i) => (i * 7919) % 251)
  const rgb = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 104_729) % 253)
  const deep = Uint16Array.from(grey, (value) => value * 257)
  const of = (data: Uint8Array | Uint16Array, channels: 1 | 3) =>
    sharp(data, { raw: { width, height, channels } })
  files.set('grey.png', await of(grey, 1).toColourspace('b-w').png().toBuffer())
  files.set('rgb.png', await of(rgb, 3).png().toBuffer())
  files.set('interlaced.png', await of(rgb, 3).png({ progressive: true }).toBuffer())
  files.set('palette.png', await of(rgb, 3).png({ palette: true, colours: 16 }).toBuffer())
  files.set('deep.png', await of(deep, 1).toColourspace('grey16').png().toBuffer())
  files.set('grey.jpg', await of(grey, 1).toColourspace('b-w').jpeg().toBuffer())
  files.set('rgb.jpg', await of(rgb, 3).jpeg().toBuffer())
  files.set('progressive.jpg', await of(rgb, 3).jpeg({ progressive: true }).toBuffer())
  for (const [name, bytes] of files) await readImage(put(`valid-${name}`, bytes))
})
const names = [
  'grey.png',
  'rgb.png',
  'interlaced.png',
  'palette.png',
  'deep.png',
  'grey.jpg',
  'rgb.jpg',
  'progressive.jpg',
]

const read = (name: string, bytes: Uint8Array) =>
  bounded(async () => {
    const file = put(`bad-${name}`, bytes)
    const header = await readImageHeader(file)
    const image = checkImage(await readImage(file))
    expect(header.shape).toEqual(image.shape)
  })

describe.each(names)('%s', (name) => {
  it('cut at 64 points is an error each time', async () => {
    const whole = files.get(name)!
    for (const bytes of truncations(whole)) {
      // The last 12 bytes of a PNG are the chunk IEND, which holds nothing.
      const complete = name.endsWith('.png') && bytes.length >= whole.length - 12
      const outcome = await read(name, bytes)
      if (complete) expect(outcome).toBe('done')
      else expect(outcome).toMatch(/^(picture|image)-/)
    }
  })

  it('with each length field at 0, -1, its largest value, one more and one less', async () => {
    const whole = files.get(name)!
    const fields = name.endsWith('.png') ? chunkLengths(whole) : segmentLengths(whole)
    expect(fields.length).toBeGreaterThan(3)
    for (const { at, size, value } of fields) {
      for (const other of [0, -1, size === 4 ? 0x7fffffff : 0x7fff, value + 1, value - 1]) {
        const bytes = Buffer.from(whole)
        if (size === 4) bytes.writeInt32BE(other, at)
        else bytes.writeInt16BE(other, at)
        await read(name, bytes)
      }
    }
  })

  it('with 80 seeded mutations', async () => {
    const random = new Random(33, names.indexOf(name))
    const outcomes = new Set<string>()
    for (let round = 0; round < 80; round++) outcomes.add(await read(name, mutated(files.get(name)!, random)))
    expect(outcomes.size).toBeGreaterThan(1)
  })
})

/** Lengths of the chunks, and width and height. */
function chunkLengths(bytes: Buffer) {
  const found = [16, 20].map((at) => ({ at, size: 4, value: bytes.readUInt32BE(at) }))
  for (let at = 8; at + 8 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    found.push({ at, size: 4, value: bytes.readUInt32BE(at) })
  }
  return found
}

/** Lengths of the segments before the scan, and height and width in the frame header. */
function segmentLengths(bytes: Buffer) {
  const found: { at: number; size: number; value: number }[] = []
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const value = bytes.readUInt16BE(at + 2)
    found.push({ at: at + 2, size: 2, value })
    const marker = bytes[at + 1]!
    if (marker === 0xc0 || marker === 0xc2) {
      for (const k of [5, 7]) found.push({ at: at + k, size: 2, value: bytes.readUInt16BE(at + k) })
    }
    if (marker === 0xda) break
    at += 2 + value
  }
  return found
}

function chunk(name: string, body: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + body.length)
  out.writeUInt32BE(body.length, 0)
  out.write(name, 4, 'latin1')
  out.set(body, 8)
  out.writeUInt32BE(crc32(out.subarray(4, 8 + body.length)), 8 + body.length)
  return out
}

function png(width: number, height: number, colour: number, data: Uint8Array, ...more: Buffer[]): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, colour], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    ...more,
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

describe('bombs in a PNG', () => {
  const zeros = deflateSync(Buffer.alloc(2 ** 28), { level: 1 })

  it('256 MB of pixels behind a header of 4 x 4', async () => {
    expect(await read('tail.png', png(4, 4, 0, zeros))).toMatch(/^(done|picture-broken)$/)
  })

  it('256 MB of text and a profile of 256 MB beside 4 x 4 pixels', async () => {
    const pixels = deflateSync(Buffer.alloc(20))
    const text = chunk('zTXt', Buffer.concat([Buffer.from('Comment\0\0'), zeros]))
    const profile = chunk('iCCP', Buffer.concat([Buffer.from('profile\0\0'), zeros]))
    expect(await read('text.png', png(4, 4, 0, pixels, text))).toBe('done')
    expect(await read('profile.png', png(4, 4, 0, pixels, profile))).toMatch(/^(done|picture-broken)$/)
  })

  it('a header that promises 16,000 x 8,000 colours of a few bytes', async () => {
    expect(await read('promise.png', png(16_000, 8000, 2, deflateSync(Buffer.alloc(99))))).toBe(
      'picture-broken',
    )
  })

  it('60,000 x 60,000 with a valid checksum is refused from its header', async () => {
    expect(await read('huge.png', png(60_000, 60_000, 0, zeros))).toBe('picture-too-large')
  })
})
