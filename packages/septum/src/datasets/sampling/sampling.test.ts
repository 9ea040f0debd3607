import { describe, expect, it } from 'vitest'
import { findForeground, placePatch } from './index.js'

const size = [6, 10, 12]
const samples = 720

/** Label 2 in one corner block, label 1 in a line, label 255 (to be ignored) beside them, of two raters. */
function marked(): Uint8Array {
  const masks = new Uint8Array(2 * samples)
  for (let x = 0; x < 12; x++) masks[(2 * 10 + 5) * 12 + x] = 1
  for (let y = 0; y < 3; y++) masks[samples + (5 * 10 + y) * 12 + 11] = 2
  masks[17] = 255
  return masks
}

describe('places of foreground', () => {
  it('are those of every rater, by label, without what is ignored', () => {
    const { labels, places } = findForeground(marked(), samples)
    expect(labels).toEqual([1, 2])
    expect([...places[0]!]).toEqual(Array.from({ length: 12 }, (_, x) => 300 + x))
    expect([...places[1]!]).toEqual([611, 623, 635])
  })

  it('are thinned out evenly', () => {
    const masks = new Uint8Array(1000).fill(1, 100)
    const { places } = findForeground(masks, 1000, 9)
    // 900 marked samples, every hundredth from the first.
    expect([...places[0]!]).toEqual([100, 200, 300, 400, 500, 600, 700, 800, 900])
  })
})

describe('patches', () => {
  const foreground = findForeground(marked(), samples)
  const recipe = { foreground: 1 / 3, choose: 'last' as const }
  const place = (index: number, step: number, batchSize = 2, size3 = [4, 4, 4]) =>
    placePatch(recipe, foreground, size, size3, batchSize, { seed: 1, step, index })

  it('of a batch of two the second shows foreground, inside the image', () => {
    // nnU-Net: index >= round(2 · (1 - 1/3)) = 1
    for (let step = 0; step < 200; step++) {
      expect(place(0, step)).toBeNull()
      const { front = 0, top, left } = place(1, step)!
      for (const [axis, start] of [front, top, left].entries()) {
        expect(start).toBeGreaterThanOrEqual(0)
        expect(start).toBeLessThanOrEqual(size[axis]! - 4)
      }
      const masks = marked()
      let found = 0
      for (let z = front; z < front + 4; z++)
        for (let y = top; y < top + 4; y++)
          for (let x = left; x < left + 4; x++) {
            const at = (z * 10 + y) * 12 + x
            if (masks[at] === 1 || masks[samples + at] === 2) found++
          }
      expect(found).toBeGreaterThan(0)
    }
  })

  it('draw the class first: a rare one comes as often as a common one', () => {
    let rare = 0
    for (let step = 0; step < 2000; step++)
      if (place(1, step)!.left === 8 && place(1, step)!.front === 2) rare++
    // Label 2 always gives front 2, left 8 (cut at the edge); label 1 lies in slice 2: front 0. Standard error 0.011.
    expect(Math.abs(rare / 2000 - 0.5)).toBeLessThan(0.055)
  })

  it('centre the sample, and the image where it is smaller than the patch', () => {
    for (let step = 0; step < 50; step++) {
      const { front, top } = place(1, step, 2, [4, 3, 20])!
      // The line has z 2, y 5: front 0, top 4; the corner z 5, y 0..2: front 2, top 0 or 1.
      expect([
        [0, 4],
        [2, 0],
        [2, 1],
      ]).toContainEqual([front, top])
      expect(place(1, step, 2, [4, 3, 20])!.left).toBe(-4)
    }
  })

  it('by chance: the share of the recipe; never without foreground', () => {
    const chance = { foreground: 0.3, choose: 'chance' as const }
    const at = (step: number) =>
      placePatch(chance, foreground, size, [4, 4, 4], 4, { seed: 2, step, index: 0 })
    const share =
      Array.from({ length: 4000 }, (_, step) => at(step)).filter((one) => one !== null).length / 4000
    // Standard error 0.0072.
    expect(Math.abs(share - 0.3)).toBeLessThan(0.036)
    const empty = findForeground(new Uint8Array(samples), samples)
    expect(placePatch(recipe, empty, size, [4, 4, 4], 2, { seed: 1, step: 0, index: 1 })).toBeNull()
  })
})
