import { describe, expect, it } from 'vitest'
import { calibrationScores, raterFrequency } from './calibration.js'
import { layerNearestDistance, layerScores } from './layers.js'
import { lesionScores } from './lesions.js'
import { confusionCounts, fMeasure, regionScores } from './regions.js'
import { bits, box, product, readFixture } from './testing/shapes.js'
import { volumeScores } from './volume.js'

interface Pair {
  readonly prediction: string
  readonly reference: string
}
interface Fixture {
  readonly regions: readonly (Pair & { pixels: number; expected: Record<string, number> })[]
  readonly lesions: readonly (Pair & {
    shape: number[]
    connectivity: 'full' | 'cross'
    expected: Record<string, number>
    matchedAboveHalf?: number
  })[]
  readonly layer: Pair & { shape: number[]; spacing: number[]; nearest: number }
  readonly calibration: readonly {
    bins: number
    p: number[]
    y: string
    raters: number[]
    expected: { ece: number; mce: number; brier: number; eceRaters: number }
  }[]
}
const fixture = readFixture<Fixture>('metrics.json', import.meta.url)
const none = new Uint8Array(16)
const some = box(
  [4, 4],
  [
    [1, 2],
    [1, 2],
  ],
)

describe('regions', () => {
  it.each(fixture.regions.map((item, i) => [i, item] as const))(
    'against scikit-learn, case %i',
    (_, item) => {
      const counts = confusionCounts(bits(item.prediction, item.pixels), bits(item.reference, item.pixels))
      const scores: Record<string, number> = { ...regionScores(counts), f: fMeasure(counts, 0.3) }
      for (const [name, value] of Object.entries(item.expected)) {
        expect(scores[name], name).toBeCloseTo(value, 12)
      }
      expect(scores.iou).toBeCloseTo(scores.dice! / (2 - scores.dice!), 12)
      expect(fMeasure(counts, 1)).toBeCloseTo(scores.dice!, 12)
    },
  )

  it('ultrasound example of the sheet: TP 3, FP 1, FN 1, TN 11', () => {
    const prediction = Uint8Array.of(0, 0, 0, 0, 0, 255, 255, 255, 0, 255, 0, 0, 0, 0, 0, 0)
    const counts = confusionCounts(prediction, some)
    expect(counts).toEqual({ truePositive: 3, falsePositive: 1, falseNegative: 1, trueNegative: 11 })
    const { iou, precision, recall, specificity, dice } = regionScores(counts)
    expect([iou, precision, recall, dice]).toEqual([0.6, 0.75, 0.75, 0.75])
    expect(specificity).toBeCloseTo(0.916667, 6)
  })

  it('mean IoU of both classes on example B at one half is 0.783333', () => {
    // TP 6, FP 0, FN 3, TN 27: 6/9 and 27/30.
    const counts = { truePositive: 6, falsePositive: 0, falseNegative: 3, trueNegative: 27 }
    expect(regionScores(counts).iouBothClasses).toBeCloseTo(0.783333, 6)
  })

  it('empty masks', () => {
    const both = regionScores(confusionCounts(none, none))
    expect(both).toMatchObject({ dice: 1, iou: 1, precision: 1, recall: 1, specificity: 1, accuracy: 1 })
    expect(both.balancedErrorRate).toBeNaN()
    expect(regionScores(confusionCounts(none, none), 'undefined').precision).toBeNaN()
    for (const counts of [confusionCounts(some, none), confusionCounts(none, some)]) {
      expect(regionScores(counts)).toMatchObject({ dice: 0, iou: 0, precision: 0, recall: 0 })
      expect(fMeasure(counts, 0.3)).toBe(0)
    }
    expect(fMeasure(confusionCounts(none, none), 0.3)).toBe(1)
    const full = new Uint8Array(16).fill(1)
    expect(regionScores(confusionCounts(some, full)).specificity).toBeNaN()
  })

  it('refuses other sizes and betas', () => {
    expect(() => confusionCounts(none, new Uint8Array(9))).toThrow(/16 values for 9 pixels/)
    expect(() => fMeasure(confusionCounts(none, none), 0)).toThrow(/squared beta of 0/)
  })
})

describe('volumes', () => {
  it('difference, relative difference and similarity in cubic millimetres', () => {
    const a = box(
      [4, 4, 4],
      [
        [0, 1],
        [0, 2],
        [0, 3],
      ],
    )
    const b = box(
      [4, 4, 4],
      [
        [0, 1],
        [0, 1],
        [0, 3],
      ],
    )
    // 24 and 16 voxels of 2 x 0.5 x 3 = 3.
    expect(volumeScores(a, b, [4, 4, 4], [2, 0.5, 3])).toEqual({
      ...{ predictedVolume: 72, referenceVolume: 48, volumeDifference: 24, absoluteVolumeDifference: 24 },
      ...{ relativeVolumeDifference: 0.5, volumeSimilarity: 0.8 },
    })
    expect(volumeScores(b, a, [4, 4, 4]).volumeDifference).toBe(-8)
  })

  it('empty masks', () => {
    expect(volumeScores(none, none, [4, 4])).toMatchObject({
      relativeVolumeDifference: 0,
      volumeSimilarity: 1,
    })
    expect(volumeScores(some, none, [4, 4]).relativeVolumeDifference).toBeNaN()
    expect(volumeScores(none, some, [4, 4])).toMatchObject({
      relativeVolumeDifference: -1,
      volumeSimilarity: 0,
    })
  })
})

describe('lesions', () => {
  it.each(fixture.lesions.map((item, i) => [i, item] as const))(
    'against SciPy labels, case %i',
    (_, item) => {
      const [a, b] = [item.prediction, item.reference].map((text) => bits(text, product(item.shape)))
      const { connectivity, expected } = item
      const scores: Record<string, number> = { ...lesionScores(a!, b!, item.shape, { connectivity }) }
      for (const [name, value] of Object.entries(expected)) expect(scores[name], name).toBeCloseTo(value, 12)
      if (item.matchedAboveHalf !== undefined) {
        const matched = lesionScores(a!, b!, item.shape, { connectivity, leastIou: 0.5000001 })
        expect(matched.truePositives).toBe(item.matchedAboveHalf)
      }
    },
  )

  it('one prediction over two lesions finds both, but matches one', () => {
    const reference = Uint8Array.of(1, 1, 0, 1, 1)
    const prediction = Uint8Array.of(1, 1, 1, 1, 1)
    // IoU 2/5 with either.
    expect(lesionScores(prediction, reference, [1, 5])).toMatchObject({ truePositives: 2, lesionF1: 1 })
    // One pair, one lesion missed: 1 / (1 + 1/2).
    const matched = lesionScores(prediction, reference, [1, 5], { leastIou: 0.4 })
    expect(matched).toMatchObject({ truePositives: 1, falsePositives: 0, falseNegatives: 1 })
    expect(matched.lesionF1).toBeCloseTo(2 / 3, 12)
    expect(lesionScores(prediction, reference, [1, 5], { leastIou: 0.41 }).truePositives).toBe(0)
  })

  it('empty masks', () => {
    expect(lesionScores(none, none, [4, 4])).toMatchObject({
      lesionF1: 1,
      lesionPrecision: 1,
      lesionRecall: 1,
    })
    expect(lesionScores(some, none, [4, 4])).toMatchObject({
      lesionF1: 0,
      lesionPrecision: 0,
      lesionRecall: 0,
    })
    expect(lesionScores(none, some, [4, 4])).toMatchObject({ lesionF1: 0, falseNegatives: 1 })
  })
})

describe('layers', () => {
  it('three layers of the sheet', () => {
    const map = (changes: readonly (readonly [number, number, number])[]) => {
      const labels = Uint8Array.from({ length: 32 }, (_, i) => [0, 1, 1, 2, 2, 0, 3, 3][Math.floor(i / 4)]!)
      for (const [row, column, label] of changes) labels[row * 4 + column] = label
      return labels
    }
    const reference = map([])
    const prediction = map([
      [0, 0, 1],
      [2, 1, 2],
      [6, 2, 0],
      [5, 3, 3],
    ])
    const layer = (labels: Uint8Array, label: number) => labels.map((value) => (value === label ? 1 : 0))
    const expected = [
      [0.25, 0.25, 0.25, 0.875],
      [0.125, 0.25, 0, 0.941176],
      [0.25, 0.5, 0, 0.875],
    ] as const
    for (const [i, [edge, upper, lower, dice]] of expected.entries()) {
      const [p, r] = [layer(prediction, i + 1), layer(reference, i + 1)]
      const scores = layerScores(p, r, [8, 4])
      expect([scores.edgeDistance, scores.upperEdgeDistance, scores.lowerEdgeDistance]).toEqual([
        edge,
        upper,
        lower,
      ])
      expect(regionScores(confusionCounts(p, r)).dice).toBeCloseTo(dice, 6)
    }
  })

  it('columns that only one map has count the height', () => {
    const a = Uint8Array.of(1, 1, 0, 0, 0, 0)
    const b = Uint8Array.of(0, 1, 0, 0, 0, 0)
    // 3 columns x 2 rows: column 0 only in a (2), column 1 equal (0), column 2 in neither.
    expect(layerScores(a, b, [2, 3])).toMatchObject({ edgeDistance: 1, missedColumns: 1 })
    expect(layerScores(a, b, [2, 3], [0.5, 9]).edgeDistance).toBe(0.5)
    expect(layerScores(none, none, [4, 4]).edgeDistance).toBe(0)
  })

  it('nearest points are those of all pairs (NumPy)', () => {
    const { shape, spacing, nearest, ...pair } = fixture.layer
    const [a, b] = [pair.prediction, pair.reference].map((text) => bits(text, product(shape)))
    expect(layerNearestDistance(a!, b!, shape, spacing)).toBeCloseTo(nearest, 10)
    expect(layerNearestDistance(a!, new Uint8Array(a!.length), shape)).toBeNaN()
    expect(layerNearestDistance(none, none, [4, 4])).toBe(0)
  })

  it('refuses volumes', () => {
    expect(() => layerScores(new Uint8Array(8), new Uint8Array(8), [2, 2, 2])).toThrow(/Layer edges/)
  })
})

describe('calibration', () => {
  it.each(fixture.calibration.map((item) => [item.bins, item] as const))(
    '%i bins, against NumPy and scikit-learn',
    (bins, item) => {
      const p = Float64Array.from(item.p)
      const y = bits(item.y, p.length)
      const scores = calibrationScores(p, y, { bins })
      for (const name of ['ece', 'mce', 'brier'] as const)
        expect(scores[name]).toBeCloseTo(item.expected[name], 12)
      expect(scores.bins.reduce((sum, bin) => sum + bin.pixels, 0)).toBe(p.length)
      const raters = calibrationScores(p, Float64Array.from(item.raters), { bins, zero: 'dropped' })
      expect(raters.ece).toBeCloseTo(item.expected.eceRaters, 12)
    },
  )

  it('edges belong to the lower bin: means of ten samples', () => {
    for (let k = 1; k <= 10; k++) {
      const { bins } = calibrationScores(Float64Array.of(k / 10), Uint8Array.of(1))
      expect(bins.findIndex((bin) => bin.pixels === 1)).toBe(k - 1)
    }
  })

  it('a hand calculation', () => {
    // Bin 1: p 0, 0.1, outcomes 0, 1: |0.05 - 0.5| x 2/4. Bin 9: p 0.9, 0.9, outcomes 1, 1: 0.1 x 2/4.
    const scores = calibrationScores(Float64Array.of(0, 0.1, 0.9, 0.9), Uint8Array.of(0, 1, 255, 1))
    expect(scores.ece).toBeCloseTo(0.275, 12)
    expect(scores.mce).toBeCloseTo(0.45, 12)
    expect(scores.brier).toBeCloseTo((0.81 + 0.01 + 0.01) / 4, 12)
    // Without the zero: |0.1 - 1| / 4 + 0.05.
    expect(
      calibrationScores(Float64Array.of(0, 0.1, 0.9, 0.9), Uint8Array.of(0, 1, 1, 1), { zero: 'dropped' })
        .ece,
    ).toBeCloseTo(0.275, 12)
  })

  it('certain and right is perfect; bytes are value / 255', () => {
    const y = Uint8Array.of(0, 1, 1, 0)
    expect(calibrationScores(Uint8Array.of(0, 255, 255, 0), y)).toMatchObject({ ece: 0, mce: 0, brier: 0 })
    expect([...raterFrequency([y, Uint8Array.of(0, 0, 1, 0)])]).toEqual([0, 0.5, 1, 0])
  })

  it('refuses', () => {
    expect(() => calibrationScores(Float32Array.of(2), Uint8Array.of(1))).toThrow(/probability is 2/)
    expect(() => calibrationScores(Float32Array.of(1), Uint8Array.of(1), { bins: 0 })).toThrow(/0 bins/)
    expect(() => raterFrequency([])).toThrow(/no rater/)
  })
})
