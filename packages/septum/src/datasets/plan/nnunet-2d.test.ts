import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { medianSize, planNnunet2d } from './index.js'

interface Planned {
  readonly spacing: readonly [number, number]
  readonly median: readonly [number, number]
  readonly cases: number
  readonly classes: number
  readonly patch: readonly number[]
  readonly batch: number
}

const plans = JSON.parse(
  readFileSync(new URL('fixtures/plans.json', import.meta.url), 'utf8'),
) as readonly Planned[]

describe("nnU-Net's planner for pictures", () => {
  it.each(plans)('$median, spacing $spacing, $cases cases: as its own program', (one) => {
    const { median, spacing, cases, classes, patch, batch } = one
    expect(planNnunet2d({ medianSize: median, spacing, cases, classes })).toEqual({ patch, batchSize: batch })
  })

  it('measures the median size axis by axis', () => {
    expect(
      medianSize([
        [1, 10, 200],
        [1, 30, 100],
        [1, 20, 400],
      ]),
    ).toEqual([20, 200])
    expect(
      medianSize([
        [10, 7],
        [13, 9],
      ]),
    ).toEqual([11.5, 8])
  })
})
