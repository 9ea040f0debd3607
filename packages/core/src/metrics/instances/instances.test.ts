import { inflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Random } from '../../random.js'
import { labelComponents } from '../../topology/components.js'
import { measureCase } from '../measure.js'
import { readFixture } from '../testing/shapes.js'
import { aji, ajiPlus } from './aji.js'
import { instanceFamily } from './family.js'
import { matchObjects } from './matching.js'
import { objectDice } from './object-dice.js'
import { objectHausdorff } from './object-hausdorff.js'
import { overlapTable } from './overlap-table.js'
import { averagePrecision, panopticScores } from './panoptic.js'
import { adaptedRand, adjustedRandIndex, variationOfInformation } from './partitions.js'

interface Fixture {
  cases: {
    shape: number[]
    spacing: number[]
    predicted: string
    reference: string
    scores: Record<string, number>
    ignored: { split: number; merge: number; ari: number }
  }[]
}
const { cases } = readFixture<Fixture>('instances.json', import.meta.url)
const unpacked = (text: string) => Uint8Array.from(inflateSync(Buffer.from(text, 'base64')))

/** A label map from rows of digits. */
const drawn = (...rows: string[]) => Uint8Array.from(rows.join(''), Number)

describe.each(cases)('$shape, %#', ({ shape, spacing, predicted, reference, scores, ignored }) => {
  const [p, g] = [unpacked(predicted), unpacked(reference)]

  it('scores are those of NumPy, scikit-learn and scikit-image', () => {
    const found = measureCase(Object.keys(scores), {
      shape,
      spacing,
      predictedInstances: p,
      referenceInstances: g,
    }).values
    for (const [id, value] of Object.entries(scores)) expect(found[id]!.value, id).toBeCloseTo(value, 10)
  })

  it('partitions without the background of the reference too', () => {
    const table = overlapTable(p, g)
    const { split, merge } = variationOfInformation(table, { ignoreBackground: true })
    expect(split).toBeCloseTo(ignored.split, 10)
    expect(merge).toBeCloseTo(ignored.merge, 10)
    expect(adjustedRandIndex(table, { ignoreBackground: true })).toBeCloseTo(ignored.ari, 10)
  })

  it('no score depends on the numbers of the objects', () => {
    const other = (map: Uint8Array) => Uint32Array.from(map, (label) => (label === 0 ? 0 : 4e9 + label))
    const table = overlapTable(p, g)
    const renamed = overlapTable(other(p), other(g))
    expect(renamed.pairs).toEqual(table.pairs)
    expect(renamed.predictedSizes).toEqual(table.predictedSizes)
  })
})

describe('worked examples', () => {
  // Semi-supervised sheet, section 7: a 6x10 grid.
  const reference = drawn('0000000000', '0111100000', '0111100000', '0000000000', '0222000000', '0222000000')
  const predicted = drawn('0000000000', '0111220000', '0111220000', '0000000000', '0000000330', '0000000330')

  it('object Dice 0.4762, AJI 6/22', () => {
    const table = overlapTable(predicted, reference)
    // Predictions 6, 4, 4 of 14: Dice 12/14, 4/12, 0. References 8, 6 of 14: Dice 12/14, 0.
    expect(objectDice(table)).toBeCloseTo(
      ((6 * (12 / 14) + 4 * (4 / 12)) / 14 + (8 * (12 / 14)) / 14) / 2,
      15,
    )
    expect(objectDice(table)).toBeCloseTo(0.4762, 4)
    // Intersection 6; union 8, unmatched reference 6, unused predictions 4 and 4.
    expect(aji(table)).toBe(6 / 22)
    expect(ajiPlus(table)).toBe(6 / 22)
    // One match of IoU 6/8, two false, one missed.
    const { pq, ...others } = panopticScores(table)
    expect(pq).toBeCloseTo(0.3, 15)
    expect(others).toEqual({ sq: 0.75, dq: 0.4, truePositives: 1, falsePositives: 2, falseNegatives: 1 })
    // IoU 0.75 is above 0.5 to 0.7: five of ten thresholds, 1 / (3 + 2 - 1) each.
    expect(averagePrecision(table)).toBeCloseTo(0.125, 15)
  })

  it('VOI of 00111222 and 00112222 is .4056 + .3444', () => {
    const found = variationOfInformation(overlapTable(drawn('00111222'), drawn('00112222')))
    expect([found.split, found.merge].map((v) => v.toFixed(4)).sort()).toEqual(['0.3444', '0.4056'])
    expect(found.voi).toBeCloseTo(0.75, 4)
    // X splits {4 to 7} of Y: H(X|Y) = 4/8 h(1/4) = .4056.
    expect(found.split).toBeCloseTo(0.4056, 4)
  })

  it('AJI may use a predicted object twice, AJI+ only once', () => {
    const table = overlapTable(drawn('111111'), drawn('111222'))
    // AJI: (3 + 3) / (6 + 6). AJI+: 3 / (6 + 3).
    expect(aji(table)).toBe(0.5)
    expect(ajiPlus(table)).toBeCloseTo(1 / 3, 15)
  })

  it('an assignment, not the first come: the sum of IoUs is largest', () => {
    // IoUs 4/8 (1,1), 2/6 (1,2), 2/6 (2,1): (1,2) and (2,1) together beat (1,1).
    const table = overlapTable(drawn('111111220000'), drawn('111122110000'))
    const { pairs } = matchObjects(table, 0)
    expect(pairs.map(({ predicted: p, reference: r }) => [p, r])).toEqual([
      [1, 2],
      [2, 1],
    ])
  })

  it('object Hausdorff of shifted squares, and of one that nothing touches', () => {
    const square = drawn('110000', '110000', '000000')
    expect(objectHausdorff(drawn('011000', '011000', '000000'), square, [3, 6])).toBe(1)
    expect(objectHausdorff(drawn('011000', '011000', '000000'), square, [3, 6], [1, 0.5])).toBe(0.5)
    expect(objectHausdorff(drawn('000011', '000011', '000000'), square, [3, 6])).toBe(4)
  })
})

describe('empty maps', () => {
  const some = drawn('0110', '0110')
  const none = new Uint8Array(8)
  const rules: Record<string, [both: number, one: number]> = {
    ...{
      objectDice: [1, 0],
      glasF1: [1, 0],
      aji: [1, 0],
      ajiPlus: [1, 0],
      pq: [1, 0],
      sq: [1, 0],
      dq: [1, 0],
    },
    ...{ averagePrecision: [1, 0], objectHausdorff: [0, Number.NaN] },
  }

  it.each(Object.entries(rules))('%s: both %d', (id, [both, one]) => {
    const score = (predictedInstances: Uint8Array, referenceInstances: Uint8Array) =>
      measureCase([id], { shape: [2, 4], predictedInstances, referenceInstances }).values[id]
    expect(score(none, none)).toEqual({ value: both, empty: 'both' })
    expect(score(none, some)).toEqual({ value: one, empty: 'prediction' })
    expect(score(some, none)).toEqual({ value: one, empty: 'reference' })
  })

  it('object Hausdorff may be the diagonal of the image', () => {
    const input = { shape: [2, 4], spacing: [3, 2], prediction: none, reference: some }
    const { values } = measureCase(['objectHausdorff'], input, { oneEmptyDistance: 'diagonal' })
    expect(values.objectHausdorff!.value).toBe(10)
  })

  it('partitions: equal ones agree, adapted Rand without reference is undefined', () => {
    const both = overlapTable(none, none)
    expect(variationOfInformation(both)).toEqual({ voi: 0, split: 0, merge: 0 })
    expect(variationOfInformation(both, { ignoreBackground: true }).voi).toBe(0)
    expect(adjustedRandIndex(both)).toBe(1)
    expect(adaptedRand(both).f).toBe(1)
    expect(adaptedRand(overlapTable(some, none)).f).toBeNaN()
    // All four reference pixels in one segment of background: precision and recall 1.
    expect(adaptedRand(overlapTable(none, some)).f).toBe(1)
  })
})

it('objects of masks are their connected components', () => {
  const prediction = drawn('100', '010', '000')
  const reference = drawn('110', '010', '001')
  const ids = ['predictedObjects', 'referenceObjects']
  const counts = (connectivity: 'full' | 'cross') =>
    ids.map(
      (id) => measureCase(ids, { shape: [3, 3], prediction, reference }, { connectivity }).values[id]!.value,
    )
  expect(counts('full')).toEqual([1, 1])
  expect(counts('cross')).toEqual([2, 2])
})

it('equal maps score best and swapping the sides changes only what is not symmetric', () => {
  const random = new Random(9)
  for (let round = 0; round < 30; round++) {
    const shape = [6 + random.int(10), 6 + random.int(10)]
    const draw = () => {
      const mask = Uint8Array.from({ length: shape[0]! * shape[1]! }, () => (random.int(3) === 0 ? 1 : 0))
      return labelComponents(mask, shape, 4).labels
    }
    const [a, b] = [draw(), draw()]
    const ids = instanceFamily.entries.map(({ id }) => id).filter((id) => !id.endsWith('Objects'))
    const score = (predictedInstances: Int32Array, referenceInstances: Int32Array) =>
      measureCase(ids, { shape, predictedInstances, referenceInstances }).values
    const same = score(a, a)
    for (const id of ids) {
      if (id === 'adaptedRandF' && Number.isNaN(same[id]!.value)) continue
      const best = id.startsWith('voi') || id === 'objectHausdorff' ? 0 : 1
      expect(same[id]!.value, id).toBeCloseTo(best, 12)
    }
    const [there, back] = [score(a, b), score(b, a)]
    for (const id of [
      'pq',
      'sq',
      'dq',
      'ajiPlus',
      'objectDice',
      'objectHausdorff',
      'averagePrecision',
      'ari',
      'voi',
    ])
      expect(back[id]!.value, id).toBeCloseTo(there[id]!.value, 12)
    expect(back.voiSplit!.value).toBeCloseTo(there.voiMerge!.value, 12)
    expect(there.pq!.value).toBeCloseTo(there.sq!.value * there.dq!.value, 15)
  }
})

it('refuses negative labels and maps of different size', () => {
  expect(() => overlapTable(Int32Array.of(-1, 0), Int32Array.of(0, 1))).toThrow(
    expect.objectContaining({ code: 'instance-labels' }),
  )
  expect(() => overlapTable(new Uint8Array(4), new Uint8Array(6))).toThrow(
    expect.objectContaining({ code: 'metric-shape' }),
  )
})
