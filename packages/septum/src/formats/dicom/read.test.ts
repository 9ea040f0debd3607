import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkImage } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { readDicom, readDicomHeader } from './read.js'

/** Expected values of pydicom and DCMTK; see fixtures/make_dicom.py. */
interface Expected {
  readonly values: readonly number[]
  readonly tolerance?: number
  readonly spacing?: readonly number[]
  readonly origin?: readonly number[]
  readonly directions?: readonly (readonly number[])[]
}

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
const expected = JSON.parse(readFileSync(fixture('dicom.json'), 'utf8')) as Record<string, Expected>
const volumes = new Set(['series', 'oblique', 'tilt', 'echoes', 'pet'])
const files = Object.keys(expected).filter((name) => !volumes.has(name))

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  return Array.from(a).reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0)
}

describe('single files give the values of pydicom', () => {
  it.each(files)('%s', async (name) => {
    const { values, tolerance = 0, spacing, origin } = expected[name]!
    const image = checkImage(await readDicom(fixture(`${name}.dcm`)))
    expect(largestDifference(image.data, values)).toBeLessThanOrEqual(tolerance)
    if (spacing) expect(image.geometry?.spacingMm).toEqual(spacing)
    if (origin) expect(image.geometry?.originMm).toEqual(origin)
    const header = await readDicomHeader(fixture(`${name}.dcm`))
    expect(header.shape).toEqual(image.shape)
    expect(header.maxValue).toBe(image.maxValue)
    expect(header.geometry).toEqual(image.geometry)
  })

  it('keeps Hounsfield units as integers, with the window as a hint', async () => {
    const image = await readDicom(fixture('explicit.dcm'))
    expect(image.data).toBeInstanceOf(Int16Array)
    expect(image.shape).toEqual([1, 12, 10])
    expect(image.window).toEqual({ center: 40, width: 400 })
    expect(image.maxValue).toBe(1)
    // PixelSpacing is the distance of rows, then of columns (PS3.3 10.7.1.3).
    expect(image.geometry).toEqual({
      spacingMm: [0.75, 0.5],
      originMm: [-10.5, 20.25, 30.125],
      directions: [
        [0, 1, 0],
        [1, 0, 0],
      ],
    })
  })

  it('takes int32 only where int16 does not hold the values', async () => {
    expect((await readDicom(fixture('wide.dcm'))).data).toBeInstanceOf(Int32Array)
    // 16 bits stored, an intercept of -1000, and small values.
    expect((await readDicom(fixture('series.zip'))).data).toBeInstanceOf(Int16Array)
  })

  it('says what was mirrored', async () => {
    expect((await readDicom(fixture('monochrome1.dcm'))).notes.join()).toContain('larger is brighter')
    expect((await readDicom(fixture('monochrome1-hu.dcm'))).notes.join()).toContain('not mirrored')
  })

  it('stacks frames without a position as stored', async () => {
    const image = await readDicom(fixture('cine.dcm'))
    expect(image.shape).toEqual([1, 3, 12, 10])
    expect(image.geometry).toBeUndefined()
    expect(image.notes.join()).toContain('follow one another as stored')
  })
})
