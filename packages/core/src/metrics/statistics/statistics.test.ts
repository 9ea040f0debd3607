import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { boxStatistics } from './box.js'
import { holmAdjust } from './holm.js'
import { normalTail } from './normal.js'
import { comparePaired } from './paired.js'
import { rankMethods } from './ranking.js'
import { averageRanks, kendallTau } from './ranks.js'
import { bootstrapStatistic } from './resample.js'
import { wilcoxonSignedRank } from './wilcoxon.js'

interface Fixture {
  wilcoxon: {
    d: number[]
    zeros: 'wilcox' | 'pratt'
    method: 'exact' | 'normal'
    statistic: number
    p: number
  }[]
  normalTail: { z: number; p: number }[]
  ranks: { values: number[]; other: number[]; expected: number[]; tau: number }
  boxes: {
    values: number[]
    q1: number
    median: number
    q3: number
    low: number
    high: number
    outliers: number[]
  }[]
  ranking: {
    scores: number[][]
    ranks: number[]
    shares: number[][]
    intervals: number[][]
    stability: number
  }
  paired: { difference: number; interval: number[] }
  curveMaximum: { curves: number[][]; interval: number[] }
}
const fixture = JSON.parse(
  readFileSync(new URL('./fixtures/statistics.json', import.meta.url), 'utf8'),
) as Fixture

describe('signed-rank test', () => {
  it.each(
    fixture.wilcoxon.map((one, i) => [`${i}: n ${one.d.length}, ${one.zeros}, ${one.method}`, one] as const),
  )('equals SciPy, and brute force where ranks tie: %s', (_, { d, zeros, method, statistic, p }) => {
    const result = wilcoxonSignedRank(d, { zeros, method })
    expect(result.statistic).toBeCloseTo(statistic, 9)
    expect(Math.abs(result.p / p - 1)).toBeLessThan(1e-9)
  })

  it('chooses: exact up to 50 differences, without them p = 1, never NaN', () => {
    expect(wilcoxonSignedRank([0, 1, 2]).method).toBe('exact')
    expect(wilcoxonSignedRank(Array.from({ length: 51 }, (_, i) => i + 1)).method).toBe('normal')
    expect(wilcoxonSignedRank([0, 0, 0])).toMatchObject({ p: 1, count: 0, zeros: 3, statistic: 0 })
    // One difference: both signs are equally likely.
    expect(wilcoxonSignedRank([3]).p).toBe(1)
    // Ten of one sign: 2 / 2^10.
    expect(wilcoxonSignedRank([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).p).toBe(2 / 1024)
  })

  it('refuses what cannot be ranked', () => {
    expect(() => wilcoxonSignedRank([1, Number.NaN])).toThrow(
      expect.objectContaining({ code: 'wilcoxon-values' }),
    )
    const many = Array.from({ length: 51 }, (_, i) => i + 1)
    expect(() => wilcoxonSignedRank(many, { method: 'exact' })).toThrow(
      expect.objectContaining({ code: 'wilcoxon-exact' }),
    )
  })
})

it('the normal tail equals SciPy', () => {
  for (const { z, p } of fixture.normalTail) expect(Math.abs(normalTail(z) / p - 1)).toBeLessThan(1e-12)
})

it('ranks and tau equal SciPy, ties included', () => {
  const { values, other, expected, tau } = fixture.ranks
  expect([...averageRanks(values)]).toEqual(expected)
  expect(kendallTau(values, other)).toBeCloseTo(tau, 12)
  expect(kendallTau([1, 1], [1, 2])).toBeNaN()
})

it('Holm steps down', () => {
  // By hand: 0.01 x 4 = 0.04; 0.02 x 3 = 0.06; 0.03 x 2 = 0.06; 0.04 x 1 = 0.04, raised to 0.06.
  expect([...holmAdjust([0.04, 0.01, 0.03, 0.02])].map((p) => Number(p.toFixed(12)))).toEqual([
    0.06, 0.04, 0.06, 0.06,
  ])
  // A test that could not be made does not count: 0.2 x 2, and 0.9 stays below 1.
  expect([...holmAdjust([Number.NaN, 0.9, 0.2])]).toEqual([Number.NaN, 0.9, 0.4])
  expect([...holmAdjust([0.7, 0.8])]).toEqual([1, 1])
})

it('boxes equal NumPy', () => {
  for (const { values, ...expected } of fixture.boxes) {
    const box = boxStatistics([Number.NaN, ...values, Infinity])
    expect(box.outliers.map((i) => i - 1)).toEqual(expected.outliers)
    for (const key of ['q1', 'median', 'q3', 'low', 'high'] as const)
      expect(box[key]).toBeCloseTo(expected[key], 12)
  }
  expect(boxStatistics([]).median).toBeNaN()
})

describe('resampling comes close to all resamples that there are', () => {
  const groups = ['a', 'b', 'c', 'd', 'e']
  const options = { resamples: 20_000, seed: 1 }

  it('of a ranking', () => {
    const { scores, ranks, shares, intervals, stability } = fixture.ranking
    const own = rankMethods(scores, groups, 'higher', options)
    expect(own.ranks).toEqual(ranks)
    expect(own.intervals).toEqual(intervals)
    expect(own.stability).toBeCloseTo(stability, 1.5)
    own.shares.forEach((list, m) => {
      list.forEach((share, r) => {
        expect(Math.abs(share - shares[m]![r]!)).toBeLessThan(0.015)
      })
    })
    const turned = rankMethods(scores, groups, 'lower', options)
    expect(turned.ranks).toEqual(ranks.map((rank) => 4 - rank))
  })

  it('of a paired difference', () => {
    const { difference, interval } = fixture.paired
    const [a, b] = fixture.ranking.scores
    const own = comparePaired(a!, b!, groups, options)
    expect(own.difference).toBeCloseTo(difference, 12)
    expect(own.interval![0]).toBeCloseTo(interval[0]!, 3)
    expect(own.interval![1]).toBeCloseTo(interval[1]!, 3)
    expect([own.larger, own.smaller, own.equal]).toEqual([3, 2, 0])
  })

  it('of the maximum of a mean curve', () => {
    const { curves, interval } = fixture.curveMaximum
    const { low, high } = bootstrapStatistic(
      groups,
      (weights) =>
        Math.max(
          ...[0, 1, 2].map((t) => curves.reduce((sum, curve, i) => sum + weights[i]! * curve[t]!, 0) / 5),
        ),
      options,
    )
    expect([low, high]).toEqual([expect.closeTo(interval[0]!, 2), expect.closeTo(interval[1]!, 2)])
  })

  it('draws whole groups', () => {
    // Cases 0 and 1 are one patient: with two patients a mean of [0, 0, 1] is 0, 1/3 or 1.
    const seen = new Set<number>()
    bootstrapStatistic(['p', 'p', 'q'], (w) => {
      const mean = w[2]! / (w[0]! + w[1]! + w[2]!)
      seen.add(Number(mean.toFixed(6)))
      return mean
    })
    expect([...seen].sort()).toEqual([0, 0.333333, 1])
  })
})

it('leaves out cases that one of the methods has no value for, and counts', () => {
  const [a, b] = [
    [0.5, Number.NaN, 0.7, Infinity],
    [0.4, 0.3, 0.7, 0.1],
  ]
  expect(comparePaired(a!, b!, [1, 2, 3, 4])).toMatchObject({ cases: 2, larger: 1, equal: 1, smaller: 0 })
  expect(comparePaired([1], [0], ['only']).interval).toBeNull()
  expect(comparePaired([Number.NaN], [0], ['x'])).toMatchObject({ cases: 0, difference: Number.NaN })
  expect(rankMethods([a!, b!], [1, 2, 3, 4], 'higher').cases).toBe(2)
  expect(rankMethods([[Number.NaN], [1]], [1], 'higher').ranks).toEqual([Number.NaN, Number.NaN])
  expect(() => comparePaired([1], [1, 2], [1])).toThrow(expect.objectContaining({ code: 'paired-size' }))
  expect(() => rankMethods([[1]], [1], 'higher')).toThrow(expect.objectContaining({ code: 'ranking-size' }))
})
