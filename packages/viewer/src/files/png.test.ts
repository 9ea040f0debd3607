import { describe, expect, it } from 'vitest'
import fixture from '../fixtures/viewer.json' with { type: 'json' }
import { isPng, readPng } from './png.js'

const bytes = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'))

describe('readPng', () => {
  it.each(fixture.pictures)('$name has the values that Pillow wrote', async ({ png, shape, max, values }) => {
    const file = bytes(png)
    expect(isPng(file)).toBe(true)
    const image = await readPng(file, 'a.png')
    expect(image.shape).toEqual(shape)
    expect(image.maxValue).toBe(max)
    expect([...image.data]).toEqual(values)
  })

  it('refuses what is cut off at any place', async () => {
    const file = bytes(fixture.pictures[0]!.png)
    for (const length of [8, 20, 33, 60, file.length - 60]) {
      await expect(readPng(file.slice(0, length), 'a.png')).rejects.toMatchObject({ code: 'viewer-broken' })
    }
  })

  it('refuses damaged data', async () => {
    const file = bytes(fixture.pictures[0]!.png)
    // Bytes 33 to 40 are length and name of IDAT; the stream's header follows.
    file[41] = 0xff
    await expect(readPng(file, 'a.png')).rejects.toMatchObject({ code: 'viewer-broken' })
  })

  it('refuses a size beyond memory before it allocates anything', async () => {
    const file = bytes(fixture.pictures[0]!.png)
    new DataView(file.buffer).setUint32(16, 2_000_000_000)
    await expect(readPng(file, 'a.png')).rejects.toMatchObject({ code: 'viewer-too-large' })
  })
})
