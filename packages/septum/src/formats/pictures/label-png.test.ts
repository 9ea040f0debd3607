import { readFileSync } from 'node:fs'
import { inflateSync } from 'node:zlib'
import { Random } from '@septum/core'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeLabelPng } from './label-png.js'

/** Made and decoded by fixtures/make_label_png.py; every file uses all five filters. */
const cases = (
  JSON.parse(readFileSync(new URL('fixtures/label-png.json', import.meta.url), 'utf8')) as {
    name: string
    width: number
    height: number
    png: string
    samples: string
  }[]
).map(({ png, samples, ...rest }) => ({
  ...rest,
  png: Buffer.from(png, 'base64'),
  samples: new Uint8Array(inflateSync(Buffer.from(samples, 'base64'))),
}))

describe.each(cases)('$name', ({ png, samples, width, height }) => {
  it('has the samples that Pillow reads', () => {
    expect(decodeLabelPng(png, width, height)).toEqual(samples)
  })

  it('cut off anywhere is left to the decoder', () => {
    for (let length = 0; length < png.length; length++) {
      expect(decodeLabelPng(png.subarray(0, length), width, height)).toBeUndefined()
    }
  })

  it('with a byte changed anywhere behind the signature is left to the decoder', () => {
    const random = new Random(3)
    for (let at = 8; at < png.length; at++) {
      const changed = Buffer.from(png)
      changed[at] = (changed[at]! + 1 + random.int(255)) % 256
      expect(decodeLabelPng(changed, width, height)).toBeUndefined()
    }
  })

  it('of another size than its header says is left to the decoder', () => {
    expect(decodeLabelPng(png, width + 1, height)).toBeUndefined()
    expect(decodeLabelPng(png, width, height - 1)).toBeUndefined()
  })
})

describe('as the library decodes it', () => {
  const random = new Random(8)
  it.each(Array.from({ length: 12 }, (_, n) => n))('picture %i of random rectangles', async (n) => {
    const [width, height] = [40 + random.int(80), 40 + random.int(80)]
    const raw = new Uint8Array(width * height)
    for (let k = 0; k < 3; k++) {
      const [x, y, value] = [random.int(width), random.int(height), 1 + random.int(255)]
      for (let j = y; j < height; j++) raw.fill(value, j * width + x, (j + 1) * width)
    }
    const picture = sharp(raw, { raw: { width, height, channels: 1 } }).toColourspace('b-w')
    const png = await picture.png({ palette: false, adaptiveFiltering: n % 2 === 0 }).toBuffer()
    expect(decodeLabelPng(png, width, height)).toEqual(raw)
  })

  it('interlaced pictures, 16 bits, RGB and photographs are left to it', async () => {
    const side = 64
    const create = { width: side, height: side, channels: 3, background: 'red' } as const
    const grey = sharp({ create }).toColourspace('b-w')
    const noise = Uint8Array.from({ length: side * side }, () => random.int(256))
    const photograph = sharp(noise, { raw: { width: side, height: side, channels: 1 } })
    const others = await Promise.all([
      grey.clone().png({ progressive: true }).toBuffer(),
      sharp({ create }).toColourspace('grey16').png().toBuffer(),
      sharp({ create }).png().toBuffer(),
      photograph.toColourspace('b-w').png().toBuffer(),
    ])
    for (const png of others) expect(decodeLabelPng(png, side, side)).toBeUndefined()
    expect(decodeLabelPng(await grey.png().toBuffer(), side, side)).toBeInstanceOf(Uint8Array)
  })
})
