import { describe, expect, it } from 'vitest'
import { clearWinner, type Estimate, type Metric, type ResultRow, resultsTable } from './results.js'

const estimate = (mean: number, low: number, high: number): Estimate => ({ mean, low, high })
const row = (name: string, value: Estimate | null, reference = false): ResultRow => ({
  name,
  reference,
  values: value ? { GED: value } : {},
})
const lower: Metric = { name: 'GED', better: 'lower' }
const higher: Metric = { name: 'GED', better: 'higher' }

describe('clearWinner', () => {
  const a = row('a', estimate(0.3, 0.25, 0.35))
  const b = row('b', estimate(0.5, 0.4, 0.6))
  const near = row('near', estimate(0.4, 0.34, 0.46))

  it.each([
    ['the lower where the intervals are apart', [b, a], lower, 1],
    ['the higher where higher is better', [b, a], higher, 0],
    ['none where intervals overlap', [a, near], lower, -1],
    ['none of one', [a], lower, -1],
    ['no reference', [row('raters', estimate(0.02, 0.01, 0.03), true), b, a], lower, 2],
    ['none against a missing value alone', [a, row('empty', null)], lower, -1],
    ['none where an interval is unknown', [a, row('nan', estimate(0.9, Number.NaN, Number.NaN))], lower, -1],
  ])('is %s', (_, rows, metric, expected) => expect(clearWinner(rows, metric)).toBe(expected))

  it('is bold in the table, and nothing is when intervals overlap', () => {
    const table = (rows: ResultRow[]) => resultsTable({ caption: 'c', metrics: [lower], rows }).toString()
    expect(table([a, b])).toContain('<strong>0.300</strong>')
    expect(table([a, near])).not.toContain('<strong>')
    expect(table([a, near])).toContain('No value is bold')
  })
})
