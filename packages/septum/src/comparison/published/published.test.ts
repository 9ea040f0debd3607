import { metricCatalogue } from '@septum/core'
import { describe, expect, it } from 'vitest'
import { methods } from '../../methods/index.js'
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
    if (iou >= 0 && dice >= 0 && !table.metrics.includes('hmIou'))
      for (const { values } of table.rows) expect(values[iou]!).toBeLessThan(values[dice]!)
    expect(new Set(table.rows.map(({ label }) => label)).size).toBe(table.rows.length)
  })
})

it('is found by the name of a data set', () => {
  expect(publishedFor('kvasir-seg-352')?.id).toBe('m2snet-kvasir')
  expect(publishedFor('BUSI')?.id).toBe('m2snet-busi')
  expect(publishedFor('CVC-ClinicDB')?.id).toBe('m2snet-clinicdb')
  expect(publishedFor('CVC-ColonDB')?.id).toBe('m2snet-colondb')
  expect(publishedFor('cvc-612')?.id).toBe('m2snet-clinicdb')
  expect(publishedFor('CVC-612-T')?.id).toBe('m2snet-cvc-612-t')
  expect(publishedFor('CVC-612-V')?.id).toBe('m2snet-cvc-612-v')
  expect(publishedFor('cvc300-tv')?.id).toBe('m2snet-cvc-300-tv')
  expect(publishedFor('CVC-300')?.id).toBe('m2snet-cvc-t')
  expect(publishedFor('covid-semiseg')?.id).toBe('infnet-semiseg')
  expect(publishedFor('covid-19')?.id).toBe('m2snet-lung')
  expect(publishedFor('lidc-idri')?.id).toBe('ar-seg-lidc')
  expect(publishedFor('acdc')).toBeUndefined()
})

it('names methods that there are', () => {
  const names = new Set(methods.map(({ name }) => name))
  for (const { rows } of publishedTables)
    for (const { method } of rows) expect(method === null || names.has(method), `${method}`).toBe(true)
  for (const { method } of publishedCosts) expect(names).toContain(method)
})

it('marks what was not read in the paper', () => {
  const recalled = publishedTables.flatMap(({ id, rows }) =>
    rows.filter(({ origin }) => origin === 'recalled').map(({ label }) => `${id} ${label}`),
  )
  expect(recalled).toEqual([
    'm2snet-clinicdb M2SNet',
    'ar-seg-lidc Probabilistic U-Net',
    'ar-seg-lidc Hierarchical Probabilistic U-Net',
    'ar-seg-lidc CAR',
    'ar-seg-lidc SegDiff',
    'ar-seg-lidc MedSegDiff',
  ])
})

// M2SNet's own sentence: 27.7 M parameters and 9.0 G, the same as MSNet.
it('has costs in units of one', () => {
  const m2snet = publishedCosts.find(({ method }) => method === 'm2snet')!
  expect([m2snet.parameters, m2snet.macs]).toEqual([27_700_000, 9e9])
})
