import { metricCatalogue } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { publishedCosts, publishedFor, publishedTables } from './index.js'

describe.each(publishedTables.map((table) => [table.id, table] as const))('%s', (_, table) => {
  it('has a value of every metric in every row, within the range of the metric', () => {
    for (const id of table.metrics) expect(metricCatalogue.has(id), id).toBe(true)
    for (const { label, values, spread } of table.rows) {
      expect(values, label).toHaveLength(table.metrics.length)
      if (spread) expect(spread, label).toHaveLength(table.metrics.length)
      for (const value of values) expect(value === null || (value > 0 && value < 1), label).toBe(true)
    }
  })

  it('agrees with itself: IoU is below Dice, and no label comes twice', () => {
    const at = (id: RegExp) => table.metrics.findIndex((name) => id.test(name))
    const [dice, iou] = [at(/dice/i), at(/iou|jaccard/i)]
    if (iou >= 0) for (const { values } of table.rows) expect(values[iou]!).toBeLessThan(values[dice]!)
    expect(new Set(table.rows.map(({ label }) => label)).size).toBe(table.rows.length)
  })
})

it('is found by the name of a data set', () => {
  expect(publishedFor('kvasir-seg-352')?.id).toBe('m2snet-kvasir')
  expect(publishedFor('BUSI')?.id).toBe('m2snet-busi')
  expect(publishedFor('CVC-ClinicDB')?.id).toBe('m2snet-clinicdb')
  expect(publishedFor('CVC-ColonDB')?.id).toBe('m2snet-colondb')
  expect(publishedFor('lidc')).toBeUndefined()
})

it('marks what was not read in the paper', () => {
  const recalled = publishedTables.flatMap(({ id, rows }) =>
    rows.filter(({ origin }) => origin === 'recalled').map(({ label }) => `${id} ${label}`),
  )
  expect(recalled).toEqual(['m2snet-clinicdb M2SNet'])
})

// M2SNet's own sentence: 27.7 M parameters and 9.0 G, the same as MSNet.
it('has costs in units of one', () => {
  const m2snet = publishedCosts.find(({ method }) => method === 'm2snet')!
  expect([m2snet.parameters, m2snet.macs]).toEqual([27_700_000, 9e9])
})
