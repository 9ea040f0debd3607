import { describe, expect, it } from 'vitest'
import { moved } from './contrast-drag.js'

describe('contrast by dragging', () => {
  it('moves in shares of the range: 600 pixels are all of it', () => {
    // 60 pixels down: a tenth of 2000 less, so that more is white.
    expect(moved([-100, 300], [-1000, 1000], 0, 60)).toEqual([-300, 100])
    // 30 pixels to the right: 100 more at either end.
    expect(moved([-100, 300], [-1000, 1000], 30, 0)).toEqual([-200, 400])
    const [black, white] = moved([0.2, 0.6], [0, 1], 0, -60)
    expect(black).toBeCloseTo(0.3, 12)
    expect(white).toBeCloseTo(0.7, 12)
  })

  it('black stays below white, and the middle within the values', () => {
    const [black, white] = moved([0, 10], [0, 100], -5000, 0)
    expect(white - black).toBeCloseTo(0.1, 12)
    expect(moved([0, 10], [0, 100], 0, 5000)).toEqual([-5, 5])
    expect(moved([0, 100], [0, 100], 5000, 0)).toEqual([-50, 150])
  })

  it('a volume of one value has a range to move in', () => {
    expect(moved([7, 8], [7, 7], 0, 0)).toEqual([6.5, 7.5])
  })
})
