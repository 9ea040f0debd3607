import { describe, expect, it } from 'vitest'
import { contourRings, type Ring } from './contour.js'

function points(ring: Ring): [number, number][] {
  return Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i]!, ring[2 * i + 1]!])
}

/** Shoelace formula; positive for clockwise on a screen, where y points down. */
function area(ring: Ring): number {
  const corners = points(ring)
  return (
    corners.reduce((sum, [x, y], i) => {
      const [nextX, nextY] = corners[(i + 1) % corners.length]!
      return sum + x * nextY - nextX * y
    }, 0) / 2
  )
}

// Rows of 0 and 1.
const grid = (...rows: string[]) => Float32Array.from(rows.join(''), Number)

describe('contourRings', () => {
  it('outlines a 3x3 square half way between its pixels and their neighbours', () => {
    const rings = contourRings(grid('00000', '01110', '01110', '01110', '00000'), 5, 5, 0.5)
    expect(rings).toHaveLength(1)
    // Pixel centres are at 1.5, 2.5, 3.5; half way to the neighbours outside is 1 and 4.
    const expected = [1.5, 2.5, 3.5].flatMap((at) => [
      [at, 1],
      [4, at],
      [at, 4],
      [1, at],
    ])
    const sorted = (list: number[][]) => list.map((point) => point.join(' ')).sort()
    expect(sorted(points(rings[0]!))).toEqual(sorted(expected))
    // 3 x 3 less four corner triangles of 0.5 x 0.5 / 2; clockwise.
    expect(area(rings[0]!)).toBeCloseTo(9 - 4 * 0.125, 12)
  })

  it('moves the outline towards the inside at a higher level, linearly', () => {
    const [ring] = contourRings(grid('000', '010', '000'), 3, 3, 0.75)
    // A single pixel at (1.5, 1.5): a rhombus whose half diagonal is 1 - 0.75, area 2 * 0.25^2.
    expect(area(ring!)).toBeCloseTo(0.125, 12)
  })

  it('closes outlines at the border and turns holes the other way', () => {
    const rings = contourRings(grid('111', '101', '111'), 3, 3, 0.5)
    // Outside: 3 x 3 less four corner triangles. Hole: the rhombus of half diagonal 0.5.
    expect(rings.map(area).sort((a, b) => a - b)).toEqual([-0.5, 8.5])
  })

  it('keeps regions apart that touch at a corner below the mean, and joins them above it', () => {
    expect(contourRings(grid('10', '01'), 2, 2, 0.6)).toHaveLength(2)
    expect(contourRings(grid('10', '01'), 2, 2, 0.4)).toHaveLength(1)
  })

  it('has no outline where nothing is above the level, and takes NaN for nothing', () => {
    expect(contourRings(new Float32Array(9), 3, 3, 0.5)).toEqual([])
    expect(contourRings(new Float32Array(9).fill(Number.NaN), 3, 3, 0.5)).toEqual([])
    expect(contourRings([0.5], 1, 1, 0.5)).toEqual([])
  })
})
