import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { readPng } from '../files/png.js'
import fixture from '../fixtures/viewer.json' with { type: 'json' }
import { niftiOf } from './nifti.js'
import { greyPng } from './png.js'
import { fileName } from './save.js'

describe('niftiOf', () => {
  const { size, spacing, values, file } = fixture.nifti
  const pair = (numbers: number[]) => numbers as unknown as readonly [number, number]

  it('writes what nibabel writes', async () => {
    const theirs = Buffer.from(file, 'base64')
    const ours = gunzipSync(await niftiOf(Uint8Array.from(values), pair(size), pair(spacing), 'a mask'))
    expect(ours.length).toBe(theirs.length)
    // Fields by offset: header size, dim, datatype and bits, pixdim, data offset, units, forms, description, magic.
    // Not compared: scl_slope (nibabel writes NaN, we 1: values as they are) and the leftovers of ANALYZE.
    for (const [from, to] of [
      [0, 4],
      [40, 56],
      [70, 74],
      [80, 92],
      [108, 112],
      [123, 124],
      [148, 228],
      [252, 256],
      [344, 348],
      [352, ours.length],
    ] as const) {
      expect([from, ours.subarray(from, to).toString('hex')]).toEqual([
        from,
        theirs.subarray(from, to).toString('hex'),
      ])
    }
  })

  it('says that the size of a pixel is unknown', async () => {
    const ours = gunzipSync(await niftiOf(new Float32Array(6), [2, 3], null, ''))
    expect(ours[123]).toBe(0)
    expect(ours.readInt16LE(70)).toBe(16)
    expect(ours.length).toBe(352 + 24)
  })
})

describe('greyPng', () => {
  it('is read back as it was written', async () => {
    const { values } = fixture.pictures[0]!
    const png = await greyPng(Uint8Array.from(values), [13, 11])
    const image = await readPng(png, 'a.png')
    expect(image.shape).toEqual([1, 13, 11])
    expect([...image.data]).toEqual(values)
  })
})

describe('fileName', () => {
  it.each([
    ['scan 1.PNG', 'scan-1'],
    ['Lung nodule, raters differ', 'Lung-nodule-raters-differ'],
    ['../../etc/passwd', '..-..-etc-passwd'],
    ['///', 'image'],
  ])('%s', (title, name) => {
    expect(fileName(title)).toBe(name)
  })
})
