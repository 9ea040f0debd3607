import { expect, it } from 'vitest'
import { quantile, summarise } from './summary.js'

it('equals NumPy (std with ddof = 1), leaving NaN out', () => {
  const summary = summarise([0.31, 0.52, Number.NaN, 0.47, 0.9, 0.12, 0.66, Number.NaN])
  expect(summary.count).toBe(6)
  expect(summary.undefinedCount).toBe(2)
  expect(summary.mean).toBeCloseTo(0.49666666666666676, 14)
  expect(summary.sd).toBeCloseTo(0.2710473513367483, 14)
  expect(summary.standardError).toBeCloseTo(0.11065461781798555, 14)
  expect(summary.median).toBeCloseTo(0.495, 14)
  expect([summary.min, summary.max]).toEqual([0.12, 0.9])
})

it('of nothing is NaN, of one value has no spread', () => {
  expect(summarise([])).toMatchObject({ count: 0, undefinedCount: 0, mean: Number.NaN, median: Number.NaN })
  expect(summarise([0.4])).toMatchObject({ count: 1, mean: 0.4, sd: Number.NaN, median: 0.4, min: 0.4 })
})

it('quantile interpolates linearly (numpy.quantile)', () => {
  expect(quantile([0.12, 0.31, 0.47, 0.52, 0.66, 0.9], 0.025)).toBeCloseTo(0.14375, 14)
  expect(quantile([1, 2], 1)).toBe(2)
  expect(quantile([1, Infinity, Infinity], 0.8)).toBe(Infinity)
})
