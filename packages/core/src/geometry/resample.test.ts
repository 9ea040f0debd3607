import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { MedicalImage } from '../image.js'
import { fromAffineRas } from './affine.js'
import { filterLine } from './bspline.js'
import { gridWithSpacing } from './grid.js'
import { orientationCode } from './orientation.js'
import { resample } from './resample.js'

interface Case {
  readonly name: string
  readonly shape: readonly number[]
  readonly values: readonly number[]
  readonly source: readonly number[]
  readonly target: readonly number[]
  readonly size: readonly number[]
  readonly outside: number
  readonly nearest: readonly number[]
  readonly linear: readonly number[]
  readonly cubic: readonly number[]
}

/** Of fixtures/make.py: scipy.ndimage and nibabel. */
const fixtures = JSON.parse(readFileSync(new URL('fixtures/resample.json', import.meta.url), 'utf8')) as {
  readonly fill: number
  readonly cases: readonly Case[]
  readonly codes: readonly { readonly affine: readonly number[]; readonly codes: string }[]
  readonly splines: readonly {
    readonly values: readonly number[]
    readonly coefficients: readonly number[]
  }[]
}

const imageOf = ({ shape, values, source }: Case): MedicalImage => ({
  data: Float64Array.from(values),
  shape: [1, ...[...shape].reverse()],
  geometry: fromAffineRas(source),
  maxValue: 1,
})

describe('against scipy.ndimage.map_coordinates', () => {
  for (const one of fixtures.cases) {
    it.each(['nearest', 'linear', 'cubic'] as const)(`${one.name}, %s`, (interpolation) => {
      const grid = { size: [...one.size].reverse(), geometry: fromAffineRas(one.target) }
      const { data, shape } = resample(imageOf(one), grid, interpolation, { fill: fixtures.fill })
      expect(shape).toEqual([1, ...grid.size])
      const expected = one[interpolation]
      const worst = Math.max(...expected.map((value, i) => Math.abs(value - data[i]!)))
      // Expectations are rounded to 9 digits; the spline's blocks are cut where its response is 1e-8.
      expect(worst).toBeLessThan(1e-7)
    })
  }

  it('some places lie outside, most inside', () => {
    const outside = fixtures.cases.map((one) => one.outside / one.size.reduce((a, b) => a * b, 1))
    expect(Math.max(...outside)).toBeGreaterThan(0.1)
    expect(Math.min(...outside)).toBe(0)
  })

  it.each(fixtures.splines.map((one) => [one.values.length, one] as const))(
    'spline coefficients of %i samples (spline_filter1d)',
    (count, { values, coefficients }) => {
      const line = Float64Array.from(values)
      filterLine(line, 0, count, 1)
      coefficients.forEach((value, i) => {
        expect(line[i]).toBeCloseTo(value, 12)
      })
    },
  )

  it('a volume cut into many blocks is the same as in one', () => {
    // 96 * 160 * 160 input samples are above the block size; a cubic polynomial inside is reproduced by splines.
    const size = [96, 160, 160] as const
    const data = new Float64Array(size[0] * size[1] * size[2])
    const value = (z: number, y: number, x: number) =>
      1e-4 * (z - 40) ** 3 + 1e-4 * (y - 70) ** 2 * (x - 80) - 0.3 * x
    for (let at = 0; at < data.length; at++) {
      data[at] = value(Math.floor(at / 25600), Math.floor(at / 160) % 160, at % 160)
    }
    const geometry = fromAffineRas([-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])
    const image = { data, shape: [1, ...size], geometry, maxValue: 1 }
    const originMm = [25.3, 25.3, 25.3] as const
    const grid = { size: [45, 108, 108], geometry: { ...geometry, originMm } }
    const out = resample(image, grid, 'cubic')
    let worst = 0
    out.data.forEach((found, at) => {
      const [z, y, x] = [Math.floor(at / 11664), Math.floor(at / 108) % 108, at % 108]
      worst = Math.max(worst, Math.abs(found - value(z + 25.3, y + 25.3, x + 25.3)))
    })
    // Mirrored ends bend the polynomial there; 25 samples away the bend is 0.268^25 of it.
    expect(worst).toBeLessThan(1e-4)
  })
})

describe('grids and types', () => {
  const geometry = fromAffineRas([-2, 0, 0, 9, 0, -2, 0, 8, 0, 0, 5, 7, 0, 0, 0, 1])

  it('a new spacing keeps the region: 4 voxels of 2 mm become 8 of 1 mm, first centre half a millimetre earlier', () => {
    const grid = gridWithSpacing({ size: [3, 4, 4], geometry }, [5, 1, 1])
    expect(grid.size).toEqual([3, 8, 8])
    // The origin in LPS is [-9, -8, 7].
    expect(grid.geometry.originMm).toEqual([-9.5, -8.5, 7])
    expect(grid.geometry.spacingMm).toEqual([5, 1, 1])
  })

  it('labels stay labels, integers are rounded and kept in range', () => {
    const data = Uint8Array.from([0, 0, 255, 255])
    const image = { data, shape: [1, 1, 1, 4], geometry, maxValue: 255 }
    const grid = gridWithSpacing({ size: [1, 1, 4], geometry }, [5, 2, 1])
    expect([...resample(image, grid, 'nearest').data]).toEqual([0, 0, 0, 0, 255, 255, 255, 255])
    // Linear at 1.25 and 1.75 between 0 and 255: 63.75 and 191.25.
    expect([...resample(image, grid, 'linear').data]).toEqual([0, 0, 0, 64, 191, 255, 255, 255])
    // The spline undershoots 0 and overshoots 255; 8 bits must not wrap round.
    const cubic = [...resample(image, grid, 'cubic').data]
    expect(cubic[2]).toBe(0)
    expect(cubic[5]).toBe(255)
  })

  it('channels are sampled alike, planes as volumes of one slice', () => {
    const plane = fromAffineRas([-1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], 2)
    const image = {
      data: Float32Array.from([1, 2, 3, 4, 10, 20, 30, 40]),
      shape: [2, 2, 2],
      geometry: plane,
      maxValue: 1,
    }
    const grid = gridWithSpacing({ size: [2, 2], geometry: plane }, [2, 2])
    expect([...resample(image, grid, 'linear').data]).toEqual([2.5, 25])
  })

  it('refuses an image without geometry and a grid of other axes', () => {
    const bare = { data: new Uint8Array(4), shape: [1, 2, 2], maxValue: 255 }
    const grid = { size: [2, 2, 2], geometry }
    expect(() => resample(bare, grid, 'linear')).toThrow(expect.objectContaining({ code: 'image-geometry' }))
    const volume = { data: new Uint8Array(4), shape: [1, 1, 2, 2], geometry, maxValue: 255 }
    const flat = { size: [2, 2], geometry }
    expect(() => resample(volume, flat, 'linear')).toThrow(
      expect.objectContaining({ code: 'image-geometry' }),
    )
  })
})

it.each(fixtures.codes.map((one) => [one.codes, one.affine] as const))(
  'orientation %s as nibabel',
  (codes, affine) => {
    expect(orientationCode(fromAffineRas(affine))).toBe(codes)
  },
)
