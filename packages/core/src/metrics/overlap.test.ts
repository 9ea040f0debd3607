import { expect, it } from 'vitest'
import { packMask } from './bit-mask.js'
import { dice, iou } from './overlap.js'

const grid = (side: number, rows: [number, number], columns: [number, number]) =>
  packMask(
    Uint8Array.from({ length: side * side }, (_, i) => {
      const row = Math.floor(i / side)
      const column = i % side
      return row >= rows[0] && row <= rows[1] && column >= columns[0] && column <= columns[1] ? 1 : 0
    }),
  )

it('a 4x4 square shifted by 2 columns: 8 of 24 pixels, IoU 1/3, Dice 1/2', () => {
  const a = grid(8, [2, 5], [1, 4])
  const b = grid(8, [2, 5], [3, 6])
  expect(iou(a, b)).toBeCloseTo(1 / 3, 15)
  expect(dice(a, b)).toBe(0.5)
})

it('BUSI example: TP 3, FP 1, FN 1: Jaccard 0.6, Dice 0.75', () => {
  // Prediction (1,1) (1,2) (1,3) (2,1), reference rows and columns 1 to 2 of a 4x4 grid.
  const prediction = packMask([0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 0, 0, 0])
  expect(iou(prediction, grid(4, [1, 2], [1, 2]))).toBe(0.6)
  expect(dice(prediction, grid(4, [1, 2], [1, 2]))).toBe(0.75)
})

it('example B: Dice and IoU at half and at the six levels', () => {
  // 6x6 prediction of the metric sheet against rows and columns 1 to 3.
  const rows = [
    [0, 0, 0, 0, 0, 0],
    [0, 51, 102, 153, 0, 0],
    [0, 102, 204, 255, 102, 0],
    [0, 153, 255, 204, 51, 0],
    [0, 0, 102, 51, 0, 0],
    [0, 0, 0, 0, 0, 0],
  ]
  const reference = grid(6, [1, 3], [1, 3])
  expect(dice(packMask(rows.flat(), 127), reference)).toBe(0.8)
  expect(iou(packMask(rows.flat(), 127), reference)).toBeCloseTo(0.666667, 6)
  const levels = [254, 203, 152, 101, 50, -1].map((level) => dice(packMask(rows.flat(), level), reference))
  expect(levels).toEqual([4 / 11, 8 / 13, 12 / 15, 16 / 19, 18 / 22, 18 / 45])
  // 51 of 256 thresholds hold each of the first five, one the last: PraNet's mean Dice 0.686737.
  const sum = levels.slice(0, 5).reduce((total, value) => total + value, 0)
  expect((51 * sum + levels[5]!) / 256).toBeCloseTo(0.686737, 6)
})

it('Dice is 2 IoU / (1 + IoU)', () => {
  const a = grid(9, [0, 4], [2, 7])
  const b = grid(9, [3, 8], [0, 5])
  expect(dice(a, b)).toBeCloseTo((2 * iou(a, b)) / (1 + iou(a, b)), 14)
})

const empty = grid(4, [9, 9], [9, 9])
const some = grid(4, [0, 1], [0, 1])

it.each([
  ['perfect', 1],
  ['zero', 0],
  ['undefined', Number.NaN],
] as const)('two empty masks under the rule %s are %d, one empty mask is 0', (rule, value) => {
  for (const score of [iou, dice]) {
    expect(score(empty, empty, rule)).toBe(value)
    expect(score(empty, some, rule)).toBe(0)
    expect(score(some, empty, rule)).toBe(0)
    expect(score(some, some, rule)).toBe(1)
  }
})
