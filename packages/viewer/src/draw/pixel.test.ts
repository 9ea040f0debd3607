import { describe, expect, it } from 'vitest'
import { pixelShape, shownSquareAround } from './pixel.js'
import { fitted } from './scene.js'

describe('pixels that are no squares', () => {
  it('have the proportions of their spacing, the smaller side 1', () => {
    expect(pixelShape(null)).toEqual([1, 1])
    expect(pixelShape([0.7, 0.7])).toEqual([1, 1])
    expect(pixelShape([2, 0.5])).toEqual([4, 1])
    expect(pixelShape([0.5, 2])).toEqual([1, 4])
  })

  it('a region is fitted as large as its drawn size allows', () => {
    // 10 x 40 pixels of 4 x 1 are a square of 40 x 40: in 200 x 400 it is 200 wide, with 100 above and below.
    const whole = { left: 0, top: 0, width: 40, height: 10 }
    expect(fitted(whole, 200, 400, [4, 1])).toEqual({ x: 5, y: 20, left: 0, top: 100 })
    // Away from the origin: its corner (10, 5) lies at (0, 0) of the canvas.
    const part = { left: 10, top: 5, width: 8, height: 2 }
    expect(fitted(part, 80, 80, [4, 1])).toEqual({ x: 10, y: 40, left: -100, top: -200 })
  })

  it('a square around a finding is one to the eye', () => {
    // Drawn: 20 columns x 5 rows of height 4 = 20 x 20 at (40, 40); half as much room on each side makes 40 x 40.
    const region = { left: 40, top: 10, width: 20, height: 5 }
    expect(shownSquareAround(region, [25, 100], [4, 1])).toEqual({
      left: 30,
      top: 7.5,
      width: 40,
      height: 10,
    })
    // Squares: 40 do not fit into 25 rows, of which they have the middle.
    expect(shownSquareAround(region, [25, 100], [1, 1])).toEqual({
      left: 30,
      top: -7.5,
      width: 40,
      height: 40,
    })
  })
})
