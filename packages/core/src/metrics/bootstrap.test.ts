import { expect, it } from 'vitest'
import { Random } from '../random.js'
import { bootstrapMean } from './bootstrap.js'

const values = [0.2, 0.9, 0.5, 0.4, Number.NaN, 0.6, 0.7]
const groups = ['p1', 'p2', 'p3', 'p1', 'p2', 'p3', 'p3']

it('resamples whole groups', () => {
  // The 27 equally likely resamples of {0.2, 0.4}, {0.9}, {0.5, 0.6, 0.7}, sorted: 0.3, 3 x 0.42, ..., 3 x 0.72, 0.9.
  // 1/27 = 3.7 % lies at either end: outside the middle 90 %, inside the middle 95 %.
  const wide = bootstrapMean(values, groups, { resamples: 20_000 })
  expect(wide.mean).toBeCloseTo(0.55, 14)
  expect(wide.low).toBeCloseTo(0.3, 14)
  expect(wide.high).toBeCloseTo(0.9, 14)
  const narrow = bootstrapMean(values, groups, { resamples: 20_000, level: 0.9 })
  expect(narrow.low).toBeCloseTo(0.42, 14)
  expect(narrow.high).toBeCloseTo(0.72, 14)
})

it('is a function of its seed', () => {
  const interval = (seed: number) => bootstrapMean(many, Array.from(many.keys()), { resamples: 200, seed })
  const random = new Random(1)
  const many = Array.from({ length: 50 }, () => random.uniform())
  expect(interval(3)).toEqual(interval(3))
  expect(interval(3)).not.toEqual(interval(4))
})

it('covers the true mean about as often as it says', () => {
  // 200 data sets of 40 normal values: 95 % +- 5 * 1.5 %; the percentile interval of 40 runs slightly narrow.
  let covered = 0
  for (let trial = 0; trial < 200; trial++) {
    const random = new Random(7, trial)
    const data = Array.from({ length: 40 }, () => random.normal())
    const { low, high } = bootstrapMean(data, Array.from(data.keys()), { resamples: 300, seed: trial })
    if (low <= 0 && 0 <= high) covered++
  }
  expect(covered / 200).toBeGreaterThan(0.87)
  expect(covered / 200).toBeLessThan(0.995)
})

it('of nothing has no bounds', () => {
  expect(bootstrapMean([Number.NaN], ['p1'])).toEqual({ mean: Number.NaN, low: Number.NaN, high: Number.NaN })
})

it('refuses what makes no interval', () => {
  expect(() => bootstrapMean([1], [])).toThrow(/0 groups/)
  expect(() => bootstrapMean([1], [1], { resamples: 0 })).toThrow(/0 resamples/)
  expect(() => bootstrapMean([1], [1], { level: 1 })).toThrow(/level 1/)
})
