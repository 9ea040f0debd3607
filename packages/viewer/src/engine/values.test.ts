import { readFileSync } from 'node:fs'
import type { BundleIntensity, BundlePreprocessing } from '@septum/core'
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
    expectClose(networkInput(image, 2, preprocessing({ ...defaultsOf(rule.kind), ...rule })), expected, 2e-6)
  })

  it('several windows become channels', () => {
    const rule = { kind: 'windows', windows: fixture.two.windows }
    expectClose(networkInput(image, 4, preprocessing(rule, rule)), fixture.two.expected, 1e-6)
  })

  it('scales by the largest value of the format, grey to colour and colour to grey', () => {
    const grey = { data: Uint8Array.of(0, 51, 255), shape: [1, 1, 3], maxValue: 255 }
    expectClose(networkInput(grey, 1, preprocessing({ kind: 'scale' })), [0, 0.2, 1], 1e-6)
    expectClose(
      networkInput(grey, 3, preprocessing({ kind: 'scale' })),
      [0, 0.2, 1, 0, 0.2, 1, 0, 0.2, 1],
      1e-6,
    )
    // Luma of a pure red, green, blue pixel (ITU-R BT.601).
    const rgb = { data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255), shape: [3, 1, 3], maxValue: 255 }
    expectClose(networkInput(rgb, 1, preprocessing({ kind: 'scale' })), [0.299, 0.587, 0.114], 1e-6)
  })

  it('refuses an image of another kind', () => {
    expect(() => networkInput(image, 3, preprocessing({ kind: 'scale' }))).toThrow(
      'The image has 2 channels, the model wants 3',
    )
  })
})
