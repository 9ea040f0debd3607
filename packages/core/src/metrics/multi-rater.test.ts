import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { type BitMask, packMask } from './bit-mask.js'
import { type MultiRaterScores, multiRaterScores, softDice } from './multi-rater.js'
import { dice, iou } from './overlap.js'

const HEIGHT = 17
const WIDTH = 19

function rectangle(top: number, left: number, height: number, width: number): BitMask {
  return packMask(
    Uint8Array.from({ length: HEIGHT * WIDTH }, (_, i) => {
      const row = Math.floor(i / WIDTH) - top
      const column = (i % WIDTH) - left
      return row >= 0 && row < height && column >= 0 && column < width ? 1 : 0
    }),
  )
}

const empty = rectangle(0, 0, 0, 0)
const A = rectangle(1, 1, 4, 4)
const B = rectangle(10, 10, 4, 4)
const times = (count: number, mask: BitMask) => Array.from({ length: count }, () => mask)

/** Rectangles of many sizes and places, every eleventh empty; the fixture script draws the same. */
const shape = (i: number) => (i % 11 === 10 ? empty : rectangle(i % 5, (3 * i) % 7, 3 + (i % 7), 4 + (i % 3)))
const sets = (n: number, m: number) => ({
  samples: Array.from({ length: n }, (_, i) => shape(i)),
  raters: Array.from({ length: m }, (_, j) => shape(100 + 7 * j)),
})

function near(actual: MultiRaterScores, expected: Partial<MultiRaterScores>, digits = 9): void {
  for (const [name, value] of Object.entries(expected)) {
    expect(actual[name as keyof MultiRaterScores], name).toBeCloseTo(value, digits)
  }
}

describe('against NumPy and SciPy 1.17 (HM-IoU as optimal transport by linprog)', () => {
  it.each<[number, number, Partial<MultiRaterScores>]>([
    [
      16,
      4,
      {
        ...{ cross: 0.8386008204, sampleDiversity: 0.7940289572, raterDiversity: 0.469667262 },
        ...{ ged: 0.4135054214, gedWithoutDiagonal: 0.2040144036, hmIou: 0.2729766246 },
        ...{ softDice: 0.2035281802, dMax: 0.8358208955, dMaxPerSample: 0.3390206847, dAvg: 0.2303438162 },
        ...{ dVote: 0.0700219743, dMatch: 0.7754560531, perSampleDice: 0.227322405 },
        ...{ perSampleIou: 0.1513851977, consensusDice: 0.0869565217, consensusIou: 0.0454545455 },
      },
    ],
    // lcm(50, 4) = 100.
    [50, 4, { ged: 0.4006513533, hmIou: 0.2603842001, softDice: 0.232126317, dMatch: 0.9722222222 }],
    // The mean of 10 lands on the thresholds 0.1, 0.3, 0.7 and 0.9.
    [10, 4, { ged: 0.4081451123, hmIou: 0.3353623353, softDice: 0.2265300911, dMax: 0.8181818182 }],
    // More raters than samples; the variant without diagonals goes below 0.
    [
      3,
      5,
      {
        ...{ ged: 0.4116531165, gedWithoutDiagonal: -0.0195785137, hmIou: 0.360960961 },
        ...{ softDice: 0.3328596014, dMax: 0.7105454545, dMaxPerSample: 0.4518518519, dMatch: 0.4518518519 },
        ...{ dVote: 0.2792891319, perSampleDice: 0.3872053872, consensusIou: 0.2307692308 },
      },
    ],
  ])('%i samples, %i raters', (n, m, expected) => {
    const { samples, raters } = sets(n, m)
    near(multiRaterScores(samples, raters), expected)
  })
})

const perfect = { hmIou: 1, softDice: 1, dMax: 1, ged: 0 }

describe('sanity checks of the protocol', () => {
  it('1: raters repeated as samples are perfect', () => {
    const { raters } = sets(0, 4)
    near(multiRaterScores([...raters, ...raters, ...raters, ...raters], raters), perfect)
    near(multiRaterScores(raters, raters), { ...perfect, dMatch: 1, dMaxPerSample: 1 })
  })

  it('2: everything empty is perfect, without NaN', () => {
    const scores = multiRaterScores(times(16, empty), times(4, empty))
    near(scores, { ...perfect, cross: 0, sampleDiversity: 0, raterDiversity: 0, gedWithoutDiagonal: 0 })
    near(scores, { dAvg: 1, dVote: 1, dMatch: 1, perSampleDice: 1, perSampleIou: 1, consensusDice: 1 })
  })

  it('2: empty raters, marked samples: GED = 2 - D_SS, HM-IoU 0, Soft-Dice 0', () => {
    const samples = [A, B, A, B]
    // D_SS of two disjoint pairs is 1/2.
    near(multiRaterScores(samples, times(4, empty)), { ged: 1.5, hmIou: 0, sampleDiversity: 0.5 })
    // A and B are in half of the samples each: thresholds 0.1 and 0.3 are passed, 0.5, 0.7, 0.9 are empty on both sides.
    expect(softDice(samples, times(4, empty))).toBeCloseTo(3 / 5, 6)
    expect(softDice(times(4, A), times(4, empty))).toBeCloseTo(0, 6)
  })

  it('3: one rater of four marks', () => {
    const raters = [A, empty, empty, empty]
    near(multiRaterScores(times(16, empty), raters), {
      cross: 0.25,
      ged: 0.125,
      hmIou: 0.75,
      raterDiversity: 6 / 16,
    })
    near(multiRaterScores(times(16, A), raters), { cross: 0.75, ged: 1.125, hmIou: 0.25, dMax: 0.25 })
  })

  it('4: two disjoint readings', () => {
    const raters = [A, A, B, B]
    const half = { ged: 0, hmIou: 1, sampleDiversity: 0.5, raterDiversity: 0.5, cross: 0.5 }
    near(multiRaterScores([...times(8, A), ...times(8, B)], raters), half)
    near(multiRaterScores(times(16, A), raters), { ged: 0.5, hmIou: 0.5 })
  })

  it('5: GED is not negative, and neither order nor duplication changes any score', () => {
    const random = new Random(12)
    for (let trial = 0; trial < 40; trial++) {
      const samples = Array.from({ length: 1 + random.int(7) }, () => shape(random.int(200)))
      const raters = Array.from({ length: 1 + random.int(4) }, () => shape(random.int(200)))
      const scores = multiRaterScores(samples, raters)
      expect(scores.ged).toBeGreaterThan(-1e-12)
      expect(scores.ged).toBeLessThanOrEqual(2)
      // NaN (one sample or one rater) must stay NaN; everything else agrees to rounding.
      const shuffled = multiRaterScores(random.shuffle(samples), random.shuffle(raters))
      for (const [name, value] of Object.entries(scores)) {
        const other = shuffled[name as keyof MultiRaterScores]
        if (Number.isNaN(value)) expect(other, name).toBeNaN()
        else expect(other, name).toBeCloseTo(value, 12)
      }
      const twice = multiRaterScores([...samples, ...samples], raters)
      near(twice, { ged: scores.ged, hmIou: scores.hmIou, softDice: scores.softDice, dMax: scores.dMax }, 12)
    }
  })

  it('6: a sampler that returns random raters has E[GED] = D_YY / N', () => {
    const raters = [A, B, rectangle(1, 1, 4, 6), empty]
    for (const n of [4, 16]) {
      let ged = 0
      let raterDiversity = 0
      const trials = 3000
      for (let trial = 0; trial < trials; trial++) {
        const random = new Random(3, n, trial)
        const scores = multiRaterScores(
          Array.from({ length: n }, () => raters[random.int(4)]!),
          raters,
        )
        ged += scores.ged / trials
        raterDiversity += scores.raterDiversity / trials
      }
      // The sum of squares behind GED has a standard deviation of about its mean: 5 / sqrt(3000) = 9 %.
      expect(Math.abs((ged * n) / raterDiversity - 1)).toBeLessThan(0.09)
    }
  })

  it('an ideal sampler of 16 fills 83.1 % of the slots of 4 distinct raters', () => {
    // 16 draws among 4: sum over c of Binomial(16, 1/4)(c) * min(c, 4) / 4 = 0.831.
    const raters = [A, B, rectangle(1, 10, 4, 4), rectangle(10, 1, 4, 4)]
    let mean = 0
    for (let trial = 0; trial < 2000; trial++) {
      const random = new Random(4, trial)
      const samples = Array.from({ length: 16 }, () => raters[random.int(4)]!)
      mean += multiRaterScores(samples, raters).hmIou / 2000
    }
    // The share of filled slots varies by less than 0.1 a trial.
    expect(Math.abs(mean - 0.831)).toBeLessThan(5 * 0.1 * Math.sqrt(1 / 2000))
  })

  it('8: Soft-Dice of one sample and one rater is Dice', () => {
    const other = rectangle(2, 3, 5, 4)
    expect(softDice([A], [other])).toBeCloseTo(dice(A, other), 6)
  })

  it('10: a square shifted by 2 columns', () => {
    const scores = multiRaterScores([A], [rectangle(1, 3, 4, 4)])
    near(scores, { cross: 2 / 3, ged: 4 / 3, hmIou: 1 / 3, dMax: 0.5, dAvg: 0.5, dMatch: 0.5 })
    expect(scores.gedWithoutDiagonal).toBeNaN()
  })
})

describe('GED of halves of a 4x4 grid (SeqSAM sheet)', () => {
  const grid = (from: number, to: number) =>
    packMask(Uint8Array.from({ length: 16 }, (_, i) => +(i >= from && i < to)))
  const top = grid(0, 8)
  const bottom = grid(8, 16)
  const line = grid(0, 4)
  const none = grid(0, 0)
  it.each([
    [[top, bottom], [top, bottom], 0],
    [[top, top], [top, bottom], 0.5],
    [[top], [bottom], 2],
    [[line], [top], 1],
    [[top, line], [top], 0.25],
    [[top], [top, none], 0.5],
    [[none], [none], 0],
  ])('case %#', (samples, raters, ged) => {
    expect(multiRaterScores(samples, raters).ged).toBeCloseTo(ged, 12)
  })
})

it('two empty masks at distance 1 is a named option', () => {
  // Cross: (A, empty) 1, (empty, empty) 1 -> 1; D_SS: 3 of 4 pairs at 1 (A-A is 0); D_YY: 1.
  const scores = multiRaterScores([A, empty], [empty], { bothEmpty: 'zero' })
  near(scores, { cross: 1, sampleDiversity: 0.75, raterDiversity: 1, ged: 0.25, dMax: 0 })
  near(multiRaterScores([A, empty], [empty]), { cross: 0.5, ged: 0.5, dMax: 1 })
})

it('dVote and consensus scores use strict majorities', () => {
  // 2 of 4 samples is no majority: the vote is empty; 3 of 4 raters is one.
  const scores = multiRaterScores([A, A, empty, empty], [A, A, A, empty])
  near(scores, { dVote: 0.25, consensusDice: 0, consensusIou: 0, perSampleDice: 0.5 })
  expect(iou(A, A)).toBe(1)
})

it('refuses empty sets and unequal sizes', () => {
  expect(() => multiRaterScores([], [A])).toThrow(/no mask/)
  expect(() => multiRaterScores([A], [])).toThrow(/no mask/)
  expect(() => multiRaterScores([A], [packMask([1])])).toThrow(/323 and 1 pixels/)
})
