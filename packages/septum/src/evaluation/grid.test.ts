import { readFileSync } from 'node:fs'
import type { ImageGeometry } from '@septum/core'
import { describe, expect, it } from 'vitest'
import type { Decoded } from './decode.js'
import { flatGrid, onGridOf, sameGrid } from './grid.js'

interface Case {
  name: string
  continuous: boolean
  from: { size: number[]; spacing: number[]; origin: number[]; data: number[] }
  to: { size: number[]; spacing: number[]; origin: number[] }
  expected: number[]
}
const cases = JSON.parse(readFileSync(new URL('./fixtures/regrid.json', import.meta.url), 'utf8')) as Case[]

/** Axis-parallel, z, y, x. */
const geometry = (spacing: readonly number[], origin: readonly number[]): ImageGeometry => ({
  spacingMm: spacing,
  originMm: [origin[2]!, origin[1]!, origin[0]!],
  directions: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
})

const image = (size: readonly number[], data: Decoded['data'], own?: ImageGeometry): Decoded => ({
  file: 'p.nii',
  channels: 1,
  size,
  data,
  maxValue: data instanceof Float32Array ? 1 : 255,
  ...(own ? { geometry: own } : {}),
})

describe('resampling onto the grid of the reference', () => {
  it.each(cases.map((one) => [one.name, one] as const))(
    'equals SciPy: %s',
    (_, { continuous, from, to, expected }) => {
      const data = continuous ? Float32Array.from(from.data) : Uint8Array.from(from.data)
      const target = { size: to.size, geometry: geometry(to.spacing, to.origin) }
      const moved = onGridOf(image(from.size, data, geometry(from.spacing, from.origin)), target, {
        resample: true,
        continuous,
      })
      expect(moved.size).toEqual(to.size)
      expect(moved.data).toHaveLength(expected.length)
      moved.data.forEach((value, i) => {
        expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-5)
      })
    },
  )

  it('stretches pictures, which have no place', () => {
    const small = image([1, 2], Uint8Array.of(0, 7))
    expect([...onGridOf(small, { size: [2, 4] }, { resample: true, continuous: false }).data]).toEqual([
      0, 0, 7, 7, 0, 0, 7, 7,
    ])
  })

  it('turns whole numbers that stand for probabilities into fractions', () => {
    const grey = image([1, 2], Uint8Array.of(0, 255))
    const { data, maxValue } = onGridOf(grey, { size: [1, 4] }, { resample: true, continuous: true })
    // Half-pixel centres: -0.25, 0.25, 0.75, 1.25 of the two samples.
    expect([...data]).toEqual([0, 0.25, 0.75, 1])
    expect(maxValue).toBe(1)
  })
})

describe('a grid that differs is refused in one sentence', () => {
  const own = geometry([2, 1, 1], [0, 0, 0])
  it.each([
    [[3, 2, 2], own, [4, 2, 2], own, 'grid-size', '3 x 2 x 2 against 4 x 2 x 2 voxels'],
    [[2, 2, 2], own, [2, 2, 2], geometry([3, 1, 1], [0, 0, 0]), 'grid-place', 'spacing'],
    [[2, 2, 2], own, [2, 2, 2], geometry([2, 1, 1], [0, 0, 5]), 'grid-place', '5 mm'],
    [
      [2, 2, 2],
      own,
      [2, 2, 2],
      {
        ...own,
        directions: [
          [0, 0, -1],
          [0, 1, 0],
          [1, 0, 0],
        ] as const,
      },
      'grid-place',
      'axes',
    ],
    [[2, 2], undefined, [2, 2, 2], own, 'grid-size', '2 x 2 against 2 x 2 x 2'],
  ] as const)('%#', (size, mine, other, theirs, code, words) => {
    const pixels = size.reduce((a, b) => a * b, 1)
    expect(() =>
      onGridOf(
        image(size, new Uint8Array(pixels), mine),
        { size: other, geometry: theirs },
        { resample: false, continuous: false },
      ),
    ).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }))
  })

  it('but rounding, a missing place and a slice of one are no difference', () => {
    const near = geometry([2.0000001, 1, 1], [0, 1e-4, 0])
    expect(sameGrid({ size: [2, 2, 2], geometry: own }, { size: [2, 2, 2], geometry: near })).toBeNull()
    expect(sameGrid({ size: [2, 2] }, { size: [2, 2] })).toBeNull()
    expect(flatGrid({ size: [1, 4, 5], geometry: own })).toMatchObject({
      size: [4, 5],
      geometry: { spacingMm: [1, 1] },
    })
  })
})
