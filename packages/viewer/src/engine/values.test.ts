import { readFileSync } from 'node:fs'
import type { BundleIntensity, BundlePreprocessing, MedicalImage } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { networkInput } from './values.js'

/** NumPy's values, made for the toolkit's own preprocessing: the page must give the same. */
const fixture: {
  readonly image: number[]
  readonly cases: { readonly rule: Record<string, unknown>; readonly expected: number[] }[]
  readonly two: { readonly windows: { low: number; high: number }[]; readonly expected: number[] }
} = JSON.parse(
  readFileSync(
    new URL('../../../septum/src/datasets/preprocess/fixtures/values.json', import.meta.url),
    'utf8',
  ),
)

const preprocessing = (...channels: object[]): BundlePreprocessing => ({
  channels: channels as unknown as BundleIntensity[],
  ...{ spacingMm: null, interpolation: 'linear', maxValue: null, fit: 'crop' },
})
const size = { trained: [1, 3], fixed: false, multipleOf: 1 }
const valuesOf = (image: MedicalImage, channels: number, rules: BundlePreprocessing) =>
  networkInput(image, { channels, preprocessing: rules, size }).image
/** What the schema of a run fills in. */
const defaultsOf = (kind: unknown) => ({
  ...{ over: 'whole', unit: false },
  ...(kind === 'percentiles' ? { low: 0.5, high: 99.5 } : { low: null, high: null }),
})

function expectClose(actual: ArrayLike<number>, expected: readonly number[], tolerance: number) {
  expect(actual.length).toBe(expected.length)
  const worst = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - actual[i]!)), 0)
  expect(worst).toBeLessThanOrEqual(tolerance)
}

describe('networkInput', () => {
  const samples = fixture.image.length / 2
  const image = { data: Int16Array.from(fixture.image), shape: [2, 1, samples], maxValue: 1 }

  it.each(fixture.cases)('$rule equals NumPy', ({ rule, expected }) => {
    expectClose(valuesOf(image, 2, preprocessing({ ...defaultsOf(rule.kind), ...rule })), expected, 2e-6)
  })

  it('several windows become channels', () => {
    const rule = { kind: 'windows', windows: fixture.two.windows }
    expectClose(valuesOf(image, 4, preprocessing(rule, rule)), fixture.two.expected, 1e-6)
  })

  it('scales by the largest value of the format, grey to colour and colour to grey', () => {
    const grey = { data: Uint8Array.of(0, 51, 255), shape: [1, 1, 3], maxValue: 255 }
    expectClose(valuesOf(grey, 1, preprocessing({ kind: 'scale' })), [0, 0.2, 1], 1e-6)
    expectClose(valuesOf(grey, 3, preprocessing({ kind: 'scale' })), [0, 0.2, 1, 0, 0.2, 1, 0, 0.2, 1], 1e-6)
    // Luma of a pure red, green, blue pixel (ITU-R BT.601).
    const rgb = { data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255), shape: [3, 1, 3], maxValue: 255 }
    expectClose(valuesOf(rgb, 1, preprocessing({ kind: 'scale' })), [0.299, 0.587, 0.114], 1e-6)
  })

  it('resamples a picture that knows its pixels to the spacing of the model', () => {
    // Two pixels 2 mm apart become four 1 mm apart about the same centre, at -0.25, 0.25, 0.75, 1.25; edges are held.
    const image = {
      data: Float32Array.of(10, 20),
      shape: [1, 1, 2],
      maxValue: 1,
      geometry: {
        spacingMm: [1, 2],
        originMm: [0, 0, 0],
        directions: [
          [0, 1, 0],
          [1, 0, 0],
        ],
      },
    } as const
    const view = networkInput(image, {
      channels: 1,
      preprocessing: { ...preprocessing({ kind: 'none' }), spacingMm: [1, 1] },
      size,
    })
    expect(view.size).toEqual([1, 1, 4])
    expectClose(view.image, [10, 12.5, 17.5, 20], 1e-5)
  })

  it('refuses an image of another kind', () => {
    expect(() => valuesOf(image, 3, preprocessing({ kind: 'scale' }))).toThrow(
      'The image has 2 channels, the model wants 3',
    )
  })
})
