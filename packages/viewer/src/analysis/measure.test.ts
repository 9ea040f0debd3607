import { describe, expect, it } from 'vitest'
import { measureMask } from './measure.js'

describe('measureMask', () => {
  it('a single pixel is as long as its diagonal', () => {
    const mask = Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0)
    const measures = measureMask(mask, [3, 3], null)
    expect(measures.area).toBe(1)
    expect(measures.longAxis).toBeCloseTo(Math.SQRT2, 12)
    // At right angles to the diagonal a square is as wide as its other diagonal.
    expect(measures.shortAxis).toBeCloseTo(Math.SQRT2, 12)
    expect(measures.parts).toBe(1)
  })

  it('a bar of 3 x 1 pixels in millimetres', () => {
    const mask = Uint8Array.of(1, 1, 1, 0, 0, 0)
    const { area, longAxis, shortAxis } = measureMask(mask, [2, 3], [2, 0.5])
    // 3 pixels of 2 x 0.5 mm; a rectangle of 1.5 x 2 mm has a diagonal of 2.5 mm.
    expect(area).toBeCloseTo(3, 12)
    expect(longAxis).toBeCloseTo(2.5, 12)
    // Distance of the other two corners, at right angles to the diagonal: 2 * (1.5 * 2) / 2.5.
    expect(shortAxis).toBeCloseTo(2.4, 12)
  })

  it('pixels that touch at a corner are one part, others are several', () => {
    expect(measureMask(Uint8Array.of(1, 0, 0, 1), [2, 2], null).parts).toBe(1)
    expect(measureMask(Uint8Array.of(1, 0, 1), [1, 3], null).parts).toBe(2)
  })

  it('nothing marked is nothing measured', () => {
    expect(measureMask(new Uint8Array(6), [2, 3], null)).toEqual({
      area: 0,
      longAxis: 0,
      shortAxis: 0,
      parts: 0,
    })
  })
})
