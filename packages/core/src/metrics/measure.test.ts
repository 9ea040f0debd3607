import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Random } from '../random.js'
import type { MetricInput } from './catalogue.js'
import { measureCase } from './measure.js'
import { metricPresets } from './presets.js'
import { metricCatalogue, metricFamilies, resolveMetrics } from './registry.js'
import { box, exampleB, randomMask } from './testing/shapes.js'

const ids = [...metricCatalogue.keys()]
const byMask = [...metricCatalogue.values()].filter(
  ({ input }) => input === 'mask' || input === 'probabilities' || input === 'hypotheses',
)

describe('the catalogue', () => {
  it('names every metric once', () => {
    const all = metricFamilies.flatMap((family) => family.entries.map((entry) => entry.id))
    expect(new Set(all).size).toBe(all.length)
    expect(new Set(metricFamilies.map((family) => family.name)).size).toBe(metricFamilies.length)
  })

  it.each(ids.map((id) => [id]))('%s is described in full', (id) => {
    const entry = metricCatalogue.get(id)!
    for (const text of [entry.title, entry.description, entry.empty, entry.source]) expect(text).not.toBe('')
    expect(entry.description.endsWith('.')).toBe(true)
    expect(entry.empty.endsWith('.')).toBe(true)
    expect(entry.range[0]).toBeLessThan(entry.range[1])
    expect(entry.dimensions.length).toBeGreaterThan(0)
  })

  it.each(Object.keys(metricPresets).map((name) => [name]))('preset %s holds metrics that exist', (name) => {
    expect(resolveMetrics([name]).length).toBe(metricPresets[name as keyof typeof metricPresets].length)
  })

  it('names may be mixed; each metric comes once, in order', () => {
    expect(resolveMetrics(['hd95', 'calibration', 'dice', 'ece']).map((entry) => entry.id)).toEqual([
      ...['hd95', 'ece', 'mce', 'brier', 'dice'],
    ])
  })

  it('unknown names come with suggestions', () => {
    expect(() => resolveMetrics(['dise'])).toThrow(/no metric "dise"/)
    expect(hintOf(() => resolveMetrics(['polyps']))).toMatch(/polyp/)
    expect(hintOf(() => resolveMetrics(['xxxxxxxxxxxx']))).toMatch(/presets plain/)
  })
})

function hintOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    return (error as { hint: string }).hint
  }
  throw new Error('nothing was thrown')
}

describe('one case', () => {
  it('a majority can be empty where no mask is: that decides for the metrics of majorities', () => {
    const masks = [0, 1, 2, 3].map((i) => Uint8Array.from({ length: 16 }, (_, j) => (j === i ? 1 : 0)))
    const [a, b, c, d] = masks as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
    const input = { shape: [4, 4], samples: [a, b, c], raters: [b, c, d] }
    const { values } = measureCase(['ged', 'consensusDice', 'consensusIou', 'dVote', 'perSampleDice'], input)
    // No pixel has more than half of three votes on either side.
    expect(values.consensusDice).toEqual({ value: 1, empty: 'both' })
    expect(values.consensusIou).toEqual({ value: 1, empty: 'both' })
    expect(values.dVote).toEqual({ value: 0, empty: 'prediction' })
    expect(values.perSampleDice).toEqual({ value: 0, empty: 'reference' })
    expect(values.ged!.empty).toBe('none')
  })

  const { prediction, reference, shape } = exampleB

  it('gives the scores of the sheet from bytes', () => {
    const { values, curves } = measureCase(['polyp', 'maxDice', 'dice'], {
      shape,
      probabilities: prediction,
      reference,
    })
    expect(Object.keys(values)).toEqual([...metricPresets.polyp, 'maxDice', 'dice'])
    expect(values.meanDice!.value).toBeCloseTo(0.686737, 6)
    expect(values.weightedF!.value).toBeCloseTo(0.836419, 6)
    expect(values.dice).toEqual({ value: 0.8, empty: 'none' })
    expect(Math.max(...curves!.dice)).toBeCloseTo(0.842105, 6)
  })

  it('every metric that needs only masks has a value in its range on random masks', () => {
    const random = new Random(91)
    for (const size of [
      [9, 11],
      [5, 8, 7],
    ]) {
      const wanted = byMask.filter((entry) => entry.dimensions.includes(size.length as 2 | 3))
      for (let trial = 0; trial < 8; trial++) {
        const several = () => Array.from({ length: 3 }, () => randomMask(random, size))
        const input: MetricInput = {
          shape: size,
          spacing: size.map(() => 1.5),
          samples: several(),
          raters: several(),
        }
        const { values } = measureCase(
          wanted.map((entry) => entry.id),
          input,
        )
        for (const { id, range } of wanted) {
          const { value } = values[id]!
          if (Number.isNaN(value)) continue
          expect(value, id).toBeGreaterThanOrEqual(range[0] - 1e-12)
          expect(value, id).toBeLessThanOrEqual(range[1] + 1e-12)
        }
      }
    }
  })

  const none = new Uint8Array(36)
  it.each<[string, Partial<MetricInput>, string]>([
    ['prediction', { prediction: none, reference }, 'prediction'],
    ['reference', { prediction: reference, reference: none }, 'reference'],
    ['both', { prediction: none, reference: none }, 'both'],
    ['all samples', { samples: [none, none], raters: [none, reference] }, 'prediction'],
    ['no set', { samples: [none, reference], raters: [none, reference] }, 'none'],
  ])('says which side is empty: %s', (_, input, expected) => {
    const ids = input.raters ? ['ged', 'dMax'] : ['dice', 'hd95', 'lesionF1', 'ged']
    for (const { empty } of Object.values(measureCase(ids, { shape, ...input }).values)) {
      expect(empty).toBe(expected)
    }
  })

  it('derives what is absent: majorities, shares, certain samples', () => {
    const one = box(
      [1, 4],
      [
        [0, 0],
        [0, 1],
      ],
    )
    const two = Uint8Array.of(1, 0, 1, 0)
    const three = Uint8Array.of(1, 0, 0, 0)
    const { values } = measureCase(['dice', 'brier', 'mae', 'consensusDice', 'emptyRaters'], {
      ...{ shape: [1, 4], samples: [one, two, three], raters: [one, one, new Uint8Array(4)] },
    })
    // Majorities: pixel 0 against pixels 0, 1: Dice 2/3.
    expect(values.dice!.value).toBeCloseTo(2 / 3, 12)
    expect(values.consensusDice!.value).toBeCloseTo(2 / 3, 12)
    // Shares 1, 1/3, 1/3, 0 against the raters' 2/3, 2/3, 0, 0: (1 + 1 + 1) / 9 / 4.
    expect(values.brier!.value).toBeCloseTo(1 / 12, 12)
    // Against the majority 1, 1, 0, 0: (0 + 2/3 + 1/3 + 0) / 4.
    expect(values.mae!.value).toBeCloseTo(0.25, 12)
    expect(values.emptyRaters!.value).toBe(1)
  })

  it('options reach the metrics', () => {
    const shifted = box(
      [6, 6],
      [
        [1, 3],
        [3, 5],
      ],
    )
    const nsd = (tolerance: number) =>
      measureCase(['nsd'], { shape, prediction: shifted, reference }, { tolerance }).values.nsd!.value
    expect(nsd(2)).toBe(1)
    expect(nsd(0.5)).toBeLessThan(0.5)
    const hd = measureCase(['hd'], { shape, prediction: none, reference }, { oneEmptyDistance: 'diagonal' })
    expect(hd.values.hd!.value).toBeCloseTo(Math.hypot(6, 6), 12)
    const ged = measureCase(['ged'], { shape, samples: [none], raters: [none] }, { emptyPairs: 'zero' })
    // Two empty masks at distance 1: 2 - 1 - 1.
    expect(ged.values.ged!.value).toBe(0)
    expect(
      measureCase(['cross'], { shape, samples: [none], raters: [none] }, { emptyPairs: 'zero' }).values.cross!
        .value,
    ).toBe(1)
  })

  it('masks may be cut from the stretched map', () => {
    // 0.1 to 0.4 stretched is 0 to 1: only the last two values exceed one half then.
    const input = {
      shape: [1, 4],
      probabilities: Float32Array.of(0.1, 0.2, 0.3, 0.4),
      reference: Uint8Array.of(0, 0, 1, 1),
    }
    expect(measureCase(['dice'], input).values.dice).toEqual({ value: 0, empty: 'prediction' })
    expect(measureCase(['dice'], input, { stretchBeforeThreshold: true }).values.dice!.value).toBe(1)
  })

  it('refuses what it cannot score', () => {
    expect(() => measureCase(['dice'], { shape, prediction })).toThrow(
      /dice needs a predicted mask and a reference/,
    )
    expect(() => measureCase(['mae'], { shape, reference })).toThrow(/mae needs a probability map/)
    expect(() => measureCase(['ged'], { shape, reference })).toThrow(/ged needs samples and raters/)
    expect(() => measureCase(['sMeasure'], { shape: [2, 2, 9], prediction, reference })).toThrow(
      /not defined/,
    )
    expect(() => measureCase(['dice'], { shape: [6, 5], prediction, reference })).toThrow(/36 values for 30/)
    expect(() => measureCase(['dice'], { shape, spacing: [1], prediction, reference })).toThrow(/Spacing/)
    const broken = Float32Array.from(prediction, (_, i) => (i === 3 ? Number.NaN : 0))
    expect(() => measureCase(['dice'], { shape, probabilities: broken, reference })).toThrow(
      /NaN \(pixel 3\)/,
    )
  })
})

describe('the page of definitions', () => {
  const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8')

  it.each(ids.map((id) => [id]))('has the row of %s as the catalogue has it', (id) => {
    const { title, description, empty, source } = metricCatalogue.get(id)!
    const rows = page.split('\n').filter((line) => line.startsWith(`| \`${id}\` |`))
    const complete = rows.filter((row) =>
      [title, description, empty, source].every((text) => row.includes(text)),
    )
    expect(complete.length, rows.join('\n')).toBe(1)
  })

  it.each(Object.entries(metricPresets))('lists the preset %s', (name, members) => {
    expect(page).toContain(`| \`${name}\` | ${members.map((id) => `\`${id}\``).join(', ')} |`)
  })
})
