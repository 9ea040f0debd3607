import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { cutTail, kthLargest } from './select.js'

describe('kthLargest', () => {
  it('equals sorting, with and without ties', () => {
    const random = new Random(1)
    for (let trial = 0; trial < 400; trial++) {
      const length = 1 + random.int(40)
      const distinct = trial % 2 ? 5 : 1000
      const values = Float32Array.from({ length }, () => random.int(distinct) / 7)
      const k = 1 + random.int(length)
      const sorted = [...values].sort((a, b) => b - a)
      const work = values.slice()
      expect(kthLargest(work, length, k)).toBe(sorted[k - 1])
      // The k largest lie first: the token filter relies on it.
      expect([...work.subarray(0, k)].sort((a, b) => b - a)).toEqual(sorted.slice(0, k))
    }
  })

  it.each(['ascending', 'descending', 'equal'])('is fast on %s values', (order) => {
    const n = 20_000
    const value = (i: number) => (order === 'ascending' ? i : order === 'descending' ? -i : 3)
    const values = Float32Array.from({ length: n }, (_, i) => value(i))
    const sorted = values.slice().sort()
    expect(kthLargest(values, n, 100)).toBe(sorted[n - 100])
  })
})

describe('cutTail', () => {
  it('equals dropping from a sorted list while the sum stays within the mass', () => {
    const random = new Random(2)
    for (let trial = 0; trial < 400; trial++) {
      const length = 1 + random.int(30)
      // Multiples of 1/8 add up exactly, in any order.
      const weights = Float64Array.from({ length }, () => random.int(trial % 2 ? 4 : 100) / 8)
      const mass = random.int(1 + 8 * weights.reduce((sum, weight) => sum + weight, 0)) / 8
      const sorted = [...weights].sort((a, b) => a - b)
      let dropped = 0
      let sum = 0
      while (dropped < length - 1 && sum + sorted[dropped]! <= mass) sum += sorted[dropped++]!
      const cut = { threshold: 0, ties: 0 }
      cutTail(weights.slice(), length, mass, cut)
      expect(weights.filter((weight) => weight < cut.threshold).length + cut.ties).toBe(dropped)
    }
  })

  it('leaves one of equal weights although the mass covers all', () => {
    const cut = { threshold: 0, ties: 0 }
    cutTail(Float64Array.of(2, 2, 2), 3, 100, cut)
    expect(cut).toEqual({ threshold: 2, ties: 2 })
  })
})
