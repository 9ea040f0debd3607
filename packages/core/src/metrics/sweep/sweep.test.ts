import { describe, expect, it } from 'vitest'
import { Random } from '../../random.js'
import { box, bytes, exampleB, randomMask, readFixture } from '../testing/shapes.js'
import { CurveMeans, countLevels, sweepCurves } from './curves.js'
import { greyMap } from './grey.js'
import { type SweepScores, sweepScores } from './sweep.js'

const { prediction: B, reference: g, shape } = exampleB
const score = (p: Uint8Array | Float32Array | Float64Array, mask = g, size: readonly number[] = shape) =>
  sweepScores(p, mask, size).scores

function near(actual: SweepScores, expected: Partial<SweepScores>, digits = 6): void {
  for (const [name, value] of Object.entries(expected)) {
    expect(actual[name as keyof SweepScores], name).toBeCloseTo(value, digits)
  }
}

describe('example B of the sheet', () => {
  const expected: Partial<SweepScores> = {
    ...{ meanDice: 0.686737, meanIou: 0.549409, maxDice: 0.842105, maxIou: 0.727273 },
    ...{ unthresholdedDice: 0.725, smoothedIou: 0.666667, adaptiveDice: 0.842105, adaptiveIou: 0.727273 },
    ...{ meanPrecision: 0.895928, meanRecall: 0.645833, meanSpecificity: 0.951823 },
    ...{ meanF: 0.756217, maxF: 0.896552, mae: 0.122222, weightedF: 0.836419, sMeasure: 0.846497 },
    ...{ meanE: 0.778763, maxE: 0.941704, adaptiveE: 0.941704 },
  }
  // Smoothing of 1e-5 and 1e-5 moves the two M2SNet scores in the seventh digit.
  it('all scores', () => near(score(B), expected, 5))

  it('the min-max stretch undoes floor(B / 3) + 20; without it MAE is 0.246623', () => {
    const dim = B.map((value) => Math.floor(value / 3) + 20)
    near(score(dim), expected, 5)
    expect(sweepScores(dim, g, shape, { minMax: false }).scores.mae).toBeCloseTo(0.246623, 6)
  })

  it('floats are levelled like bytes', () => {
    near(score(Float64Array.from(B, (value) => value / 255)), expected, 5)
  })

  it('E-measure at the six levels, S-measure and weighted F of other programs', () => {
    const { curves } = sweepScores(B, g, shape)
    const levels = [255, 204, 153, 102, 51, 0].map((level) => curves.e[255 - level]!)
    const expectedE = [0.482831, 0.716086, 0.890833, 0.941704, 0.872591, 0.257143]
    for (const [i, value] of expectedE.entries()) expect(levels[i]).toBeCloseTo(value, 6)
    const saliency = sweepScores(B, g, shape, { weightedBetaSquared: 0.3 }).scores
    expect(saliency.weightedF).toBeCloseTo(0.841534, 6)
  })

  it('S-measure follows the rotation of the image', () => {
    const turn = (mask: Uint8Array) => mask.map((_, i) => mask[(i % 6) * 6 + 5 - Math.floor(i / 6)]!)
    let [p, r] = [Uint8Array.from(B), Uint8Array.from(g)]
    for (const expectedS of [0.846497, 0.822138, 0.79755, 0.822138]) {
      const scores = score(p, r)
      expect(scores.sMeasure).toBeCloseTo(expectedS, 6)
      // Everything else knows no direction.
      near(scores, { ...expected, sMeasure: expectedS }, 5)
      p = turn(p)
      r = turn(r)
    }
  })

  it('perfect, inverted, constant and empty predictions', () => {
    const perfect = score(g.map((value) => value * 255))
    near(perfect, { meanDice: 0.997656, meanIou: 0.99707, meanSpecificity: 0.996094, meanE: 1.025558 })
    near(perfect, { maxE: 36 / 35, adaptiveE: 36 / 35 }, 12)
    expect(perfect.sMeasure).toBeCloseTo(1, 13)
    expect(perfect.weightedF).toBeCloseTo(1, 12)
    near(score(g.map((value) => 255 - value * 255)), { sMeasure: 0, mae: 1, weightedF: 0.131625 })
    near(score(new Uint8Array(36).fill(128)), { mae: 0.50098, sMeasure: 0.399527 })
    near(score(new Uint8Array(36)), { sMeasure: 0.375, weightedF: 0.486895 })
  })
})

describe('empty and full references (table of the sheet)', () => {
  const none = new Uint8Array(36)
  const full = new Uint8Array(36).fill(1)
  it.each<[string, Uint8Array, Uint8Array, Partial<SweepScores>]>([
    [
      'empty reference, B',
      B,
      none,
      {
        ...{ meanDice: 0, meanSpecificity: 0, unthresholdedDice: 1.4e-6, smoothedIou: 1.7e-6, mae: 0.194444 },
        ...{ weightedF: 0, sMeasure: 0.805556, meanE: 0.825335, maxE: 0.971429, adaptiveE: 0.742857 },
      },
    ],
    [
      'both empty',
      none,
      none,
      {
        ...{ meanDice: 0, unthresholdedDice: 1, smoothedIou: 1, mae: 0, weightedF: 0, sMeasure: 1 },
        ...{ meanE: 1.024554, maxE: 1.028571, adaptiveE: 0 },
      },
    ],
    [
      'empty prediction',
      none,
      g,
      {
        ...{ meanDice: 0.001562, meanSpecificity: 0, mae: 0.25, weightedF: 0.486895, sMeasure: 0.375 },
        ...{ meanE: 0.257143, maxE: 0.257143, adaptiveE: 0.257143 },
      },
    ],
    [
      'full reference, B',
      B,
      full,
      {
        ...{ meanDice: 0.313965, unthresholdedDice: 0.325582, smoothedIou: 0.166667, mae: 0.805556 },
        ...{ weightedF: 0.801355, sMeasure: 0.194444, meanE: 0.203237, maxE: 1.028571, adaptiveE: 0.285714 },
      },
    ],
  ])('%s', (_, p, mask, expected) => near(score(p, mask), expected, 5))

  it('specificity: PraNet makes it 0 with every other ratio, PySOD does not; full reference NaN', () => {
    const pysod = (p: Uint8Array, mask: Uint8Array) =>
      sweepScores(p, mask, shape, { specificity: 'pysod' }).scores.meanSpecificity
    expect(pysod(B, none)).toBeCloseTo(0.802409, 6)
    expect(pysod(none, g)).toBeCloseTo(0.996094, 6)
    expect(pysod(B, full)).toBe(0)
    expect(score(B, full).meanSpecificity).toBeNaN()
  })

  it('a reference in the last column only has an S-measure', () => {
    const last = box(
      [6, 6],
      [
        [1, 3],
        [5, 5],
      ],
    )
    const value = score(B, last).sMeasure
    expect(value).toBeGreaterThanOrEqual(0)
    expect(value).toBeLessThanOrEqual(1)
  })
})

describe('weighted F on a 5x5 square in 15x15', () => {
  const size = [15, 15]
  const square = box(size, [
    [5, 9],
    [5, 9],
  ])
  it.each([
    ['false pixel at distance 3', 7 * 15 + 12, 255, 0.973895],
    ['false pixel at distance 1', 7 * 15 + 10, 255, 0.97791],
    ['hole in the middle', 7 * 15 + 7, 0, 0.999523],
  ])('%s', (_, place, value, expected) => {
    const p = square.map((mark) => mark * 255)
    p[place] = value
    expect(score(p, square, size).weightedF).toBeCloseTo(expected, 6)
  })

  it('half of the object everywhere: R 1/2, precision 1, Q 2/3', () => {
    const p = Float64Array.from(square, (mark) => mark / 2)
    expect(sweepScores(p, square, size, { minMax: false }).scores.weightedF).toBeCloseTo(2 / 3, 12)
  })
})

describe('curves of a data set', () => {
  it('max Dice is the maximum of the mean curve', () => {
    const C = g.map((mark) => mark * 51)
    C[5 * 6 + 5] = 255
    near(score(C), { meanDice: 0.190296, maxDice: 0.947368 })
    const means = new CurveMeans()
    for (const p of [B, C]) means.add(sweepScores(p, g, shape).curves)
    expect(means.max('dice')).toBeCloseTo(0.882775, 6)
    expect(means.mean('dice').reduce((sum, value) => sum + value / 256, 0)).toBeCloseTo(0.438517, 6)
    expect(new CurveMeans().max('dice')).toBeNaN()
  })

  it('recall rises and specificity falls with falling threshold; the last threshold marks everything', () => {
    const { levels } = greyMap(B, true)
    const { recall, specificity, precision } = sweepCurves(countLevels(levels, g), 0.3, 'pysod')
    for (let i = 1; i < 256; i++) {
      expect(recall[i]).toBeGreaterThanOrEqual(recall[i - 1]!)
      expect(specificity[i]).toBeLessThanOrEqual(specificity[i - 1]!)
    }
    expect([recall[255], specificity[255], precision[255]]).toEqual([1, 0, 0.25])
  })
})

interface Fixture {
  readonly cases: readonly {
    readonly name: string
    readonly shape: readonly number[]
    readonly reference: string
    readonly prediction: string
    readonly stretched: Readonly<Record<string, number | null>>
    readonly plain: Readonly<Record<string, number | null>>
  }[]
  readonly maxima: Readonly<Record<'dice' | 'iou' | 'f' | 'e', number>>
}
const fixture = readFixture<Fixture>('sweep.json', import.meta.url)

describe('against NumPy and SciPy, definitions written out', () => {
  for (const item of fixture.cases) {
    const p = bytes(item.prediction)
    const mask = bytes(item.reference)
    for (const minMax of [true, false]) {
      it(`${item.name}, ${minMax ? 'stretched' : 'as it is'}`, () => {
        const expected = minMax ? item.stretched : item.plain
        const { scores } = sweepScores(p, mask, item.shape, { minMax })
        const more = sweepScores(p, mask, item.shape, {
          ...{ minMax, specificity: 'pysod', weightedBetaSquared: 0.3 },
        }).scores
        const all: Record<string, number> = {
          ...scores,
          specificityPysod: more.meanSpecificity,
          weightedF03: more.weightedF,
        }
        for (const [name, value] of Object.entries(expected)) {
          if (value === null) expect(all[name], name).toBeNaN()
          else expect(all[name], name).toBeCloseTo(value, 11)
        }
      })
    }
  }

  it('maxima of mean curves', () => {
    const means = new CurveMeans()
    for (const item of fixture.cases.slice(0, 6)) {
      means.add(sweepScores(bytes(item.prediction), bytes(item.reference), item.shape).curves)
    }
    for (const name of ['dice', 'iou', 'f', 'e'] as const) {
      expect(means.max(name), name).toBeCloseTo(fixture.maxima[name], 12)
    }
  })
})

it('stays within its ranges on random maps, and IoU = D / (2 - D) at each threshold', () => {
  const random = new Random(31)
  for (let trial = 0; trial < 60; trial++) {
    const size = [4 + random.int(9), 4 + random.int(9)]
    const mask = randomMask(random, size)
    const p = Float32Array.from(mask, (mark) => (random.int(3) ? random.uniform() : mark))
    const { scores, curves } = sweepScores(p, mask, size)
    const { maxE, meanE, adaptiveE, meanSpecificity, ...shares } = scores
    const bound = mask.length / (mask.length - 1) + 1e-12
    for (const value of [maxE, meanE, adaptiveE]) expect(value >= 0 && value <= bound).toBe(true)
    for (const [name, value] of Object.entries(shares)) {
      expect(value >= 0 && value <= 1 + 1e-12, `${name} ${value}`).toBe(true)
    }
    for (let i = 0; i < 256; i++) {
      expect(curves.iou[i]).toBeCloseTo(curves.dice[i]! / (2 - curves.dice[i]!), 12)
    }
  }
})

describe('refuses', () => {
  it.each([
    [Float32Array.of(0, Number.NaN, 0, 0), /NaN/],
    [Float32Array.of(0, 1.5, 0, 0), /1.5 \(pixel 1\)/],
    [Float64Array.of(-0.1, 0, 0, 0), /-0.1/],
  ])('probabilities %#', (p, message) => {
    expect(() => sweepScores(p, new Uint8Array(4), [2, 2])).toThrow(message)
  })

  it('wrong sizes', () => {
    expect(() => sweepScores(B, g, [6, 5])).toThrow(/36 values for 30 pixels/)
    expect(() => sweepScores(B, g, [36])).toThrow(/shape \[36\]/)
  })
})
