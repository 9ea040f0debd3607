import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { assign } from './hungarian.js'

/** Smallest sum over all ways to give each row its own column (rows <= columns). */
function bruteForce(cost: Float64Array, rows: number, columns: number, row = 0, used = 0): number {
  if (row === rows) return 0
  let best = Infinity
  for (let j = 0; j < columns; j++) {
    if (used & (1 << j)) continue
    best = Math.min(
      best,
      cost[row * columns + j]! + bruteForce(cost, rows, columns, row + 1, used | (1 << j)),
    )
  }
  return best
}

describe('assign', () => {
  // Costs and pairs by scipy.optimize.linear_sum_assignment 1.17.
  it.each([
    {
      table: [
        [0.1, 0.2, 0.9],
        [0.1, 0.8, 0.9],
        [0.3, 0.2, 0.4],
      ],
      cost: 0.7,
      columns: [1, 0, 2],
    },
    {
      table: [
        [33, 6, 43, 17, 11, 27],
        [44, 44, 43, 15, 0, 38],
        [35, 38, 0, 1, 25, 16],
      ],
      cost: 6,
      columns: [1, 4, 2],
    },
    {
      table: [
        [33, 40, 1, 40, 23, 25, 31],
        [14, 48, 2, 13, 19, 28, 20],
        [6, 2, 0, 2, 7, 49, 9],
        [32, 37, 11, 14, 21, 13, 48],
        [8, 44, 39, 42, 5, 19, 31],
        [24, 33, 33, 33, 3, 47, 27],
        [45, 13, 18, 43, 9, 3, 18],
      ],
      cost: 51,
    },
  ])('equals SciPy: $cost', ({ table, cost, columns }) => {
    const result = assign(table.flat(), table.length, table[0]!.length)
    expect(result.cost).toBeCloseTo(cost, 12)
    if (columns) expect([...result.columns]).toEqual(columns)
  })

  it('equals trying every permutation, up to 6 x 6 and with ties', () => {
    const random = new Random(6)
    for (let trial = 0; trial < 300; trial++) {
      const rows = 1 + random.int(6)
      const columns = rows + random.int(7 - rows)
      const cost = Float64Array.from({ length: rows * columns }, () =>
        trial % 2 ? random.int(4) : random.normal(),
      )
      const result = assign(cost, rows, columns)
      expect(result.cost).toBeCloseTo(bruteForce(cost, rows, columns), 12)
      expect(new Set(result.columns).size).toBe(rows)
      const flipped = Float64Array.from(cost, (_, i) => cost[(i % rows) * columns + Math.floor(i / rows)]!)
      const tall = assign(flipped, columns, rows)
      expect(tall.cost).toBeCloseTo(result.cost, 12)
      expect([...tall.columns].filter((column) => column < 0).length).toBe(columns - rows)
    }
  })

  it('takes an empty table', () => {
    expect(assign([], 0, 0)).toEqual({ columns: new Int32Array(0), cost: 0 })
  })

  it('refuses wrong shapes and costs that are no numbers', () => {
    expect(() => assign([1, 2, 3], 2, 2)).toThrow(/2 x 2/)
    expect(() => assign([1, Number.NaN], 1, 2)).toThrow(/Cost 1/)
    expect(() => assign([Infinity], 1, 1)).toThrow(/Cost 0/)
  })
})
