import { describe, expect, it } from 'vitest'
import { extent, outlines, squareAround } from './outline.js'

/** Area inside loops by the shoelace formula: holes count negative. */
const areaOf = (loops: readonly (readonly number[])[]) =>
  loops.reduce((sum, loop) => {
    let twice = 0
    for (let i = 0; i < loop.length; i += 2) {
      const [x1, y1] = [loop[(i + 2) % loop.length]!, loop[(i + 3) % loop.length]!]
      twice += loop[i]! * y1 - x1 * loop[i + 1]!
    }
    return sum + twice / 2
  }, 0)

describe('outlines', () => {
  it('a rectangle is four corners', () => {
    const [loop, ...rest] = outlines(Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0), [3, 4])
    expect(rest).toEqual([])
    expect(new Set(pairs(loop!))).toEqual(new Set(['1,1', '3,1', '3,2', '1,2']))
  })

  it('a hole is a loop of its own, turned the other way', () => {
    const ring = Uint8Array.of(1, 1, 1, 1, 0, 1, 1, 1, 1)
    const loops = outlines(ring, [3, 3])
    expect(loops.length).toBe(2)
    // 9 pixels less the hole.
    expect(areaOf(loops)).toBe(8)
  })

  it('pixels that touch at a corner only', () => {
    const loops = outlines(Uint8Array.of(1, 0, 0, 1), [2, 2])
    expect(areaOf(loops)).toBe(2)
  })

  it('reaches the border of the image, and is empty for an empty mask', () => {
    expect(pairs(outlines(new Uint8Array(6).fill(1), [2, 3])[0]!).sort()).toEqual([
      '0,0',
      '0,2',
      '3,0',
      '3,2',
    ])
    expect(outlines(new Uint8Array(6), [2, 3])).toEqual([])
  })
})

describe('regions', () => {
  it('extent holds all masks', () => {
    const masks = [Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0), Uint8Array.of(0, 0, 0, 0, 0, 0, 1, 0)]
    expect(extent(masks, [2, 4])).toEqual({ left: 1, top: 0, width: 2, height: 2 })
    expect(extent([new Uint8Array(8)], [2, 4])).toBeNull()
  })

  it('a square with room stays inside the image', () => {
    const square = squareAround({ left: 0, top: 90, width: 20, height: 10 }, [100, 100])
    // 20 pixels and half as much on either side, moved off the left and lower border.
    expect(square).toEqual({ left: 0, top: 60, width: 40, height: 40 })
  })
})

function pairs(loop: readonly number[]): string[] {
  return Array.from({ length: loop.length / 2 }, (_, i) => `${loop[2 * i]},${loop[2 * i + 1]}`)
}
