import { readFileSync } from 'node:fs'
import { type MedicalImage, toAffineRas, type Vector3 } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { readNifti } from './nifti.js'
import { openVolume, planeAcross, sliceOf } from './volume.js'

const directions = {
  z: [0, 0, 1],
  y: [0, 1, 0],
  x: [1, 0, 0],
} as const satisfies Record<string, Vector3>

function volume(axes: readonly Vector3[], values: readonly number[] = Array(24).fill(0)): MedicalImage {
  const geometry = { spacingMm: [3, 2, 1], originMm: [10, 20, 30] as const, directions: axes }
  return { data: Float32Array.from(values), shape: [1, 4, 3, 2], maxValue: 1, geometry }
}
const opened = (image: MedicalImage) => openVolume('a.nii', image, { notes: [] })

describe('planes', () => {
  // World axes are left, posterior, superior: slices across superior are axial, across posterior coronal.
  it.each([
    ['axial', [directions.z, directions.y, directions.x]],
    ['coronal', [directions.y, directions.z, directions.x]],
    ['sagittal', [directions.x, directions.z, directions.y]],
    ['axial', [[0, 0, -1], directions.y, directions.x]],
    // Turned by 40 degrees about x: cos 40 = 0.766, sin 40 = 0.643.
    ['axial', [[0, 0.643, 0.766], [0, 0.766, -0.643], directions.x]],
  ] as [string, Vector3[]][])('%s', (name, axes) => {
    const names = ([0, 1, 2] as const).map((axis) => planeAcross(opened(volume(axes)), axis))
    expect(names[0]).toBe(name)
    expect(new Set(names).size).toBe(3)
  })
})

it('a slice has its own place: the origin moves along the slices', () => {
  const values = Array.from({ length: 24 }, (_, i) => i)
  const { image, name } = sliceOf(opened(volume([directions.z, directions.y, directions.x], values)), 2)
  expect(name).toBe('a.nii, slice 3')
  expect([...image.data]).toEqual([12, 13, 14, 15, 16, 17])
  expect(image.geometry).toEqual({
    spacingMm: [2, 1],
    originMm: [10, 20, 36],
    directions: [directions.y, directions.x],
  })
})

it('the window leaves out a few extreme values', () => {
  const values = Array.from({ length: 24 }, (_, i) => (i === 3 ? 5000 : i))
  const { window, range } = opened(volume([directions.z, directions.y, directions.x], values))
  expect(range).toEqual([0, 5000])
  expect(window[1]).toBeLessThan(5000)
})

it('several volumes in one file are refused', () => {
  const image = { data: new Uint8Array(48), shape: [2, 4, 3, 2], maxValue: 255 }
  expect(() => opened(image)).toThrow(expect.objectContaining({ code: 'viewer-series' }))
})

interface NiftiCase {
  readonly name: string
  readonly extension: string
  readonly file: string
  /** x, y, z, t. */
  readonly shape: readonly number[]
  readonly affine: readonly number[]
  /** x fastest; null for colours. */
  readonly values: readonly number[] | null
}

describe('NIfTI has the values and the affine of nibabel', () => {
  const fixtures: { readonly cases: readonly NiftiCase[] } = JSON.parse(
    readFileSync(new URL('../../../septum/src/formats/nifti/fixtures/cases.json', import.meta.url), 'utf8'),
  )
  it.each(fixtures.cases)('$name', async ({ extension, file, shape, affine, values }) => {
    const { image } = await readNifti(new File([Buffer.from(file, 'base64')], `a${extension}`))
    if (values) {
      values.forEach((value, i) => {
        expect(Math.abs(image.data[i]! - value)).toBeLessThanOrEqual(1e-6 * Math.abs(value))
      })
    }
    const ours = toAffineRas(image.geometry!)
    // A single plane keeps its two axes and its origin.
    const columns = image.shape.length === 3 ? [0, 1, 3] : [0, 1, 2, 3]
    for (const row of [0, 1, 2])
      for (const column of columns) {
        const [own, theirs] = [ours[4 * row + column]!, affine[4 * row + column]!]
        expect(Math.abs(own - theirs)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(theirs)))
      }
    if (image.shape.length === 4) expect(image.shape.slice(1)).toEqual(shape.slice(0, 3).toReversed())
  })
})
