import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import { packMask } from './bit-mask.js'
import { collectiveInsight } from './collective-insight.js'
import { multiRaterScores } from './multi-rater.js'
import { bits, box, randomMask, readFixture } from './testing/shapes.js'
import { transportCost } from './transport.js'
import { varianceCorrelation } from './variance-correlation.js'
import { weightedSetScores } from './weighted-sets.js'

interface Fixture {
  readonly hypotheses: readonly {
    samples: string[]
    raters: string[]
    pixels: number
    soft: number[][]
    expected: Record<string, number>
    sNcc: number
  }[]
  readonly transport: readonly { cost: number[]; supply: number[]; demand: number[]; expected: number }[]
  readonly classes: { classes: number; samples: number[][]; raters: number[][]; sNcc: number }
}
const { hypotheses, classes, transport } = readFixture<Fixture>('metrics.json', import.meta.url)

describe('against NumPy and PyTorch', () => {
  it.each(hypotheses.map((item) => [item.samples.length, item.raters.length, item] as const))(
    '%i samples, %i raters',
    (_n, _m, item) => {
      const samples = item.samples.map((text) => bits(text, item.pixels))
      const raters = item.raters.map((text) => bits(text, item.pixels))
      const pack = (masks: Uint8Array[]) => masks.map((mask) => packMask(mask))
      const scores: Record<string, number> = { ...collectiveInsight(pack(samples), pack(raters)) }
      for (const [name, value] of Object.entries(item.expected))
        expect(scores[name], name).toBeCloseTo(value, 12)
      const soft = item.soft.map((values) => Float64Array.from(values))
      expect(varianceCorrelation(soft, raters)).toBeCloseTo(item.sNcc, 10)
    },
  )

  it('S_NCC of several classes', () => {
    const samples = classes.samples.map((values) => Float64Array.from(values))
    expect(varianceCorrelation(samples, classes.raters, classes.classes)).toBeCloseTo(classes.sNcc, 10)
  })
})

const empty = new Uint8Array(64)
const A = box(
  [8, 8],
  [
    [0, 3],
    [0, 3],
  ],
)
const B = box(
  [8, 8],
  [
    [4, 7],
    [4, 7],
  ],
)
const pack = (...masks: Uint8Array[]) => masks.map((mask) => packMask(mask))

describe('collective insight', () => {
  it('equal sets are perfect, as are empty ones', () => {
    const perfect = { ci: 1, ciHarmonic: 1, combinedSensitivity: 1, dMax: 1, diversityAgreement: 1 }
    expect(collectiveInsight(pack(A, B, empty), pack(empty, A, B))).toEqual(perfect)
    expect(collectiveInsight(pack(empty, empty), pack(empty, empty))).toEqual(perfect)
    expect(collectiveInsight(pack(A), pack(A))).toEqual(perfect)
  })

  it('one reading of two: S_c 1/2, D_max 1/2, D_a 1/2', () => {
    // Raters: one pair at distance 1, so max = min = 1; samples: pairs at 0. D_a = 1 - (1 + 1) / 2 = 0.
    expect(collectiveInsight(pack(A, A), pack(A, B))).toEqual({
      ...{ combinedSensitivity: 0.5, dMax: 0.5, diversityAgreement: 0, ci: 0, ciHarmonic: 0 },
    })
    // Three raters A, A, B: distances 0, 1, 1 against 0, 0, 0: D_a 1/2; D_max 2/3; S_c 1/2.
    const scores = collectiveInsight(pack(A, A, A), pack(A, A, B))
    expect(scores.diversityAgreement).toBe(0.5)
    // Printed: 3 (1/2)(2/3)(1/2) / (5/3) = 0.3; harmonic: 3 / (2 + 3/2 + 2) = 6/11.
    expect(scores.ci).toBeCloseTo(0.3, 12)
    expect(scores.ciHarmonic).toBeCloseTo(6 / 11, 12)
  })

  it('marked samples of empty raters have no sensitivity', () => {
    expect(collectiveInsight(pack(A, B), pack(empty, empty))).toMatchObject({ combinedSensitivity: 0, ci: 0 })
    expect(collectiveInsight(pack(empty), pack(A))).toMatchObject({ combinedSensitivity: 0, dMax: 0 })
  })
})

describe('S_NCC', () => {
  it('lies in [-1, 1], whatever the order of the sets', () => {
    const random = new Random(14)
    for (let trial = 0; trial < 20; trial++) {
      const samples = Array.from({ length: 2 + random.int(4) }, () =>
        Float64Array.from({ length: 64 }, () => random.uniform()),
      )
      const raters = Array.from({ length: 1 + random.int(3) }, () => randomMask(random, [8, 8]))
      const value = varianceCorrelation(samples, raters)
      expect(Math.abs(value)).toBeLessThanOrEqual(1 + 1e-12)
      expect(varianceCorrelation(samples.toReversed(), raters.toReversed())).toBeCloseTo(value, 12)
    }
  })

  it('is undefined where the model has no doubt or one doubt everywhere', () => {
    const flat = new Float64Array(64).fill(0.3)
    expect(varianceCorrelation([flat, flat], [A])).toBeNaN()
    expect(varianceCorrelation([empty, empty], [empty])).toBeNaN()
  })

  it('masks of 0 and 1 and of 0 and 255 are the same certain samples', () => {
    const loud = (mask: Uint8Array) => mask.map((value) => value * 255)
    expect(varianceCorrelation([A, B], [A, B])).toBe(varianceCorrelation([loud(A), loud(B)], [A, B]))
  })

  it('refuses', () => {
    expect(() => varianceCorrelation([], [A])).toThrow(/no sample/)
    expect(() => varianceCorrelation([Float32Array.of(1, 0)], [A])).toThrow(
      /sample has 2 values for 64 pixels/,
    )
    expect(() => varianceCorrelation([Float32Array.of(Number.NaN)], [[0]])).toThrow(/NaN/)
    expect(() => varianceCorrelation([Float32Array.of(0.5, 0.5)], [[2]], 2)).toThrow(/class 2 of 2/)
  })
})

describe('weighted sets', () => {
  it.each(transport.map((item, i) => [i, item] as const))(
    'transport %i costs what linear programming finds',
    (_, item) => {
      expect(transportCost(item.cost, item.supply, item.demand)).toBeCloseTo(item.expected, 9)
    },
  )

  it('weights are copies: the scores are those of repeated masks', () => {
    const random = new Random(6)
    for (let trial = 0; trial < 30; trial++) {
      const draw = (most: number) =>
        Array.from({ length: 1 + random.int(most) }, () => packMask(randomMask(random, [8, 8])))
      const [samples, raters] = [draw(5), draw(4)]
      const [w, v] = [samples, raters].map((set) => set.map(() => 1 + random.int(3))) as [number[], number[]]
      const repeated = <T>(set: readonly T[], counts: readonly number[]) =>
        set.flatMap((mask, i) => Array.from({ length: counts[i]! }, () => mask))
      const expected = multiRaterScores(repeated(samples, w), repeated(raters, v))
      const scores = weightedSetScores(samples, raters, w, v)
      for (const name of ['ged', 'cross', 'sampleDiversity', 'raterDiversity'] as const) {
        expect(scores[name], name).toBeCloseTo(expected[name], 10)
      }
      expect(scores.transportIou).toBeCloseTo(expected.hmIou, 10)
    }
  })

  it('refuses', () => {
    expect(() => weightedSetScores(pack(A), pack(A), [1, 1], [1])).toThrow(/1 and 1 masks come with 2 and 1/)
    expect(() => weightedSetScores(pack(A), pack(A), [0], [1])).toThrow(/no masses/)
    expect(() => transportCost([1], [1], [-1])).toThrow(/no masses/)
    expect(() => transportCost([1, 2], [1], [1])).toThrow(/1 x 1/)
  })
})
