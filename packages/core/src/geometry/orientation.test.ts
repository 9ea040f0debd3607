import { describe, expect, it } from 'vitest'
import {
  fromAffineLps,
  fromAffineRas,
  invertAffine,
  multiplyAffines,
  toAffineLps,
  toAffineRas,
} from './affine.js'
import { gridDifference } from './grid.js'
import { axesToward, invertAxes, moveAxes, orientationCode, reorient } from './orientation.js'

/** RAS affine: x to the left in steps of 2 mm, y to anterior 3 mm, z to superior 4 mm. */
const las = [-2, 0, 0, 10, 0, 3, 0, 20, 0, 0, 4, 30, 0, 0, 0, 1]
const sheared = [2, 0.3, 0, 1, 0, 3, 0.4, 2, 0.1, 0, 4, 3, 0, 0, 0, 1]

describe('affines', () => {
  it('splits into spacing, origin and directions in array order, LPS', () => {
    const geometry = fromAffineRas(las)
    expect(geometry.spacingMm).toEqual([4, 3, 2])
    expect(geometry.originMm).toEqual([-10, -20, 30])
    expect(geometry.directions.map((v) => v.map((part) => part + 0))).toEqual([
      [0, 0, 1],
      [0, -1, 0],
      [1, 0, 0],
    ])
  })

  it.each([
    ['aligned', las],
    ['sheared', sheared],
  ])('%s: there and back', (_, affine) => {
    toAffineRas(fromAffineRas(affine)).forEach((value, at) => {
      expect(value).toBeCloseTo(affine[at]!, 12)
    })
    toAffineLps(fromAffineLps(affine)).forEach((value, at) => {
      expect(value).toBeCloseTo(affine[at]!, 12)
    })
    multiplyAffines(affine, invertAffine(affine)).forEach((value, at) => {
      expect(value).toBeCloseTo(at % 5 === 0 ? 1 : 0, 12)
    })
  })

  it.each([
    ['NaN', las.map((value, at) => (at === 3 ? Number.NaN : value)), 'image-geometry'],
    ['a zero column', las.map((value, at) => (at === 0 ? 0 : value)), 'image-spacing'],
    ['parallel columns', [1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1], 'image-geometry'],
    ['nine numbers', las.slice(0, 9), 'image-geometry'],
  ])('refuses %s', (_, affine, code) => {
    expect(() => fromAffineRas(affine)).toThrow(expect.objectContaining({ code }))
  })
})

describe('reorientation', () => {
  // [1, 2, 2, 3]: slice, row, column are digits of the value.
  const data = Int16Array.from([0, 1, 2, 10, 11, 12, 100, 101, 102, 110, 111, 112])
  const image = { data, shape: [1, 2, 2, 3], geometry: fromAffineRas(las), maxValue: 1 }

  it('turns the x axis round for RAS', () => {
    const turned = reorient(image, 'RAS')
    expect([...turned.data]).toEqual([2, 1, 0, 12, 11, 10, 102, 101, 100, 112, 111, 110])
    // The first sample now is the old third, 2 steps of -2 mm from x = 10: RAS x = 6.
    expect(toAffineRas(turned.geometry!)).toEqual([2, 0, 0, 6, 0, 3, 0, 20, 0, 0, 4, 30, 0, 0, 0, 1])
  })

  it('exchanges axes: SAL has x toward superior, y anterior, z left', () => {
    const turned = reorient(image, 'SAL')
    expect(turned.shape).toEqual([1, 3, 2, 2])
    expect([...turned.data]).toEqual([0, 100, 10, 110, 1, 101, 11, 111, 2, 102, 12, 112])
    expect(orientationCode(turned.geometry!)).toBe('SAL')
    expect(turned.geometry!.spacingMm).toEqual([2, 3, 4])
  })

  it('two channels and a plane', () => {
    const plane = fromAffineRas(las, 2)
    const two = {
      data: Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]),
      shape: [2, 2, 2],
      geometry: plane,
      maxValue: 255,
    }
    expect(orientationCode(plane)).toBe('LA')
    const turned = reorient(two, 'AR')
    expect([...turned.data]).toEqual([2, 4, 1, 3, 6, 8, 5, 7])
    const back = moveAxes(turned, invertAxes(axesToward(plane, 'AR')))
    expect(back).toEqual(two)
  })

  it.each(['RAR', 'RA', 'RASS', 'XYZ', ''])('refuses "%s"', (code) => {
    expect(() => reorient(image, code)).toThrow(expect.objectContaining({ code: 'orientation-code' }))
  })

  it('refuses an image without geometry', () => {
    const { geometry: _, ...bare } = image
    expect(() => reorient(bare, 'RAS')).toThrow(expect.objectContaining({ code: 'image-geometry' }))
  })
})

describe('what differs between grids', () => {
  const grid = { size: [5, 6, 7], geometry: fromAffineRas(las) }
  const changed = (at: number, value: number) => ({
    size: grid.size,
    geometry: fromAffineRas(las.map((old, i) => (i === at ? value : old))),
  })

  it.each([
    ['nothing', changed(3, 10.0005), undefined],
    ['size', { ...grid, size: [5, 6, 8] }, 'The sizes 5 x 6 x 7 and 5 x 6 x 8 differ.'],
    ['side', changed(0, 2), 'The axes run toward LAS and RAS.'],
    ['spacing', changed(5, 3.1), 'The spacings 4 x 3 x 2 and 4 x 3.1 x 2 mm differ.'],
    ['place', changed(3, 12), 'The images lie 2.00 mm apart.'],
  ])('%s', (_, other, sentence) => {
    expect(gridDifference(grid, other)).toBe(sentence)
  })

  it('a turn by 2 degrees about the last axis', () => {
    const [c, s] = [Math.cos(Math.PI / 90), Math.sin(Math.PI / 90)]
    const turned = fromAffineRas([-2 * c, -3 * s, 0, 10, -2 * s, 3 * c, 0, 20, 0, 0, 4, 30, 0, 0, 0, 1])
    expect(gridDifference(grid, { ...grid, geometry: turned })).toBe(
      'The axes are turned by 2.00 degrees against each other.',
    )
  })
})
