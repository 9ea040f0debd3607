import { readFileSync } from 'node:fs'
import { percentiles } from '@septum/core'
import { describe, expect, it } from 'vitest'
import {
  ctWindows,
  imageNetPreprocessing,
  modalities,
  normaliseValues,
  preprocess,
  preprocessedChannels,
  preprocessedSize,
  preprocessingFor,
  preprocessingSchema,
  restore,
  storedValue,
} from './index.js'

interface Fixture {
  readonly image: number[]
  readonly cases: { readonly rule: Record<string, unknown>; readonly expected: number[] }[]
  readonly two: { readonly windows: { low: number; high: number }[]; readonly expected: number[] }
  readonly rgb: { readonly image: number[]; readonly expected: number[] }
  readonly quantiles: { values: number[]; percents: number[]; expected: number[] }
}
const fixture: Fixture = JSON.parse(readFileSync(new URL('./fixtures/values.json', import.meta.url), 'utf8'))
const image = Int16Array.from(fixture.image)

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  expect(actual.length).toBe(expected.length)
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0)
  expect(worst).toBeLessThanOrEqual(tolerance)
}

describe('values', () => {
  it.each(fixture.cases)('$rule equals NumPy', ({ rule, expected }) => {
    const rules = preprocessingSchema.parse({ channels: [rule] })
    const { data, maps } = normaliseValues(rules, image, 42, 1)
    // Float32 of values up to 1,500.
    expectClose(data, expected, rule.kind === 'none' ? 0 : 2e-6)
    expect(preprocessedChannels(rules, 2)).toBe(2)
    // What no bound cut comes back.
    for (const [index, value] of data.entries()) {
      const map = maps[Math.floor(index / 42)]!
      const stored = image[index]!
      if (map.zeros && stored === 0) expect(storedValue(map, value)).toBe(0)
      else if (stored >= (map.low ?? -Infinity) && stored <= (map.high ?? Infinity))
        expect(Math.abs(storedValue(map, value) - stored)).toBeLessThan(1e-3)
    }
  })

  it('several windows of CT become channels of their own', () => {
    const { windows, expected } = fixture.two
    expect(windows).toEqual([ctWindows.lung, ctWindows.softTissue])
    const rules = preprocessingSchema.parse({ channels: [{ kind: 'windows', windows }] })
    expectClose(normaliseValues(rules, image, 42, 1).data, expected, 1e-6)
    expect(preprocessedChannels(rules, 2)).toBe(4)
  })

  it('RGB with the statistics of ImageNet', () => {
    const { data } = normaliseValues(imageNetPreprocessing(), Uint8Array.from(fixture.rgb.image), 20, 255)
    expectClose(data, fixture.rgb.expected, 2e-6)
  })

  it('percentiles are those of NumPy, and leave the values in place', () => {
    const { values, percents, expected } = fixture.quantiles
    const given = Float32Array.from(values)
    const before = [...given]
    expectClose(percentiles(given, percents), expected, 1e-5)
    expect([...given]).toEqual(before)
  })

  it('a constant image and one without foreground stay finite', () => {
    for (const kind of ['zScore', 'percentiles', 'minMax']) {
      for (const over of kind === 'minMax' ? [undefined] : ['whole', 'nonZero']) {
        const rules = preprocessingSchema.parse({ channels: [{ kind, ...(over ? { over } : {}) }] })
        for (const value of [0, 7]) {
          const { data } = normaliseValues(rules, new Uint8Array(12).fill(value), 12, 255)
          expect([...data]).toEqual(new Array(12).fill(0))
        }
      }
    }
  })

  it('refuses NaN, infinity and a wrong number of channels', () => {
    for (const kind of ['zScore', 'minMax', 'percentiles', 'none']) {
      const rules = preprocessingSchema.parse({ channels: [{ kind }] })
      for (const bad of [Number.NaN, Infinity]) {
        expect(() => normaliseValues(rules, Float32Array.of(1, bad, 3, 4), 4, 1)).toThrow(/not finite/)
      }
    }
    expect(() => normaliseValues(imageNetPreprocessing(), new Uint8Array(8), 4, 255)).toThrow(
      /describes 3 channels, the image has 2/,
    )
    expect(
      preprocessingSchema.safeParse({ channels: [{ kind: 'windows', windows: [{ low: 3, high: 1 }] }] })
        .success,
    ).toBe(false)
  })

  it('every modality has settings that survive JSON', () => {
    for (const modality of modalities) {
      const rules = preprocessingFor(modality)
      expect(preprocessingSchema.parse(JSON.parse(JSON.stringify(rules)))).toEqual(rules)
    }
  })
})

describe('spacing', () => {
  const geometry = {
    spacingMm: [4, 1, 1],
    originMm: [0, 0, 0] as const,
    directions: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ] as const,
  }
  const size = [3, 4, 4]
  const ramp = Float32Array.from({ length: 48 }, (_, i) => Math.floor(i / 16) * 10)
  const masks = Uint8Array.from(ramp, (value) => value / 10)
  const rules = preprocessingSchema.parse({ channels: [{ kind: 'none' }], spacingMm: [2, 1, 1] })

  it('is reached about the same centre, images linear and masks nearest', () => {
    expect(preprocessedSize(size, geometry, rules)).toEqual([6, 4, 4])
    const moved = preprocess({ image: ramp, maxValue: 1, masks, size, geometry }, rules)
    expect(moved.size).toEqual([6, 4, 4])
    // Slices of 4 mm at 0, 4, 8; of 2 mm at -1, 1, 3, 5, 7, 9: the ends repeat the edge.
    const slices = Array.from({ length: 6 }, (_, z) => moved.image[z * 16]!)
    expectClose(slices, [0, 2.5, 7.5, 12.5, 17.5, 20], 1e-6)
    expect(Array.from({ length: 6 }, (_, z) => moved.masks[z * 16]!)).toEqual([0, 0, 1, 1, 2, 2])
    expect(moved.geometry?.spacingMm).toEqual([2, 1, 1])
  })

  it('results come back to the stored grid', () => {
    const moved = preprocess({ image: ramp, maxValue: 1, masks, size, geometry }, rules)
    expect([...restore(moved.masks, size, geometry, rules, 'nearest')]).toEqual([...masks])
    expect(restore(masks, size, undefined, rules, 'nearest')).toBe(masks)
  })

  it('of the plane alone leaves the slices', () => {
    const plane = preprocessingSchema.parse({ channels: [{ kind: 'none' }], spacingMm: [0.5, 2] })
    expect(preprocessedSize(size, geometry, plane)).toEqual([3, 8, 2])
  })
})
