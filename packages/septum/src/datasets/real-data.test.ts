import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readCaseImage } from './case-image.js'
import { readCaseMasks } from './case-masks.js'
import { openFolderDataset } from './dataset.js'
import { selectCases } from './splits.js'
import { Folder } from './testing.js'

// Counts are those of the README beside each set.
const data = process.env.SEPTUM_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const at = (name: string) => join(data, name)
const has = (name: string) => existsSync(at(name))

let folder: Folder
beforeAll(() => {
  folder = new Folder()
})
afterAll(() => folder.remove())
const described = (name: string, yaml: string) => {
  folder.text(name, yaml)
  return join(folder.dir, name)
}

describe('real data sets open with the counts that are known of them', () => {
  it.skipIf(!has('lidc-idri'))('LIDC crops: 3062 slices of 700 patients', async () => {
    const description = described(
      'lidc.yaml',
      `raters: {encoding: bits, count: 4}\nclasses: [nodule]\nsplits: {scheme: tenths}\npatient: {csv: ${at('lidc-idri/index.csv')}, case: id, patient: patient}`,
    )
    const dataset = await openFolderDataset(at('lidc-idri'), { description, check: 'quick' })
    expect(dataset.cases).toHaveLength(3062)
    expect(new Set(dataset.cases.map(({ patient }) => patient)).size).toBe(700)
    // Published with the long run's report: 318 validation and 280 test slices.
    const parts = selectCases(dataset.cases, dataset.splits!)
    expect([parts.val.length, parts.test.length]).toEqual([318, 280])
  })

  it.skipIf(!has('kvasir-seg-352'))('Kvasir-SEG: 900 polyps of 352 x 352', async () => {
    const dataset = await openFolderDataset(at('kvasir-seg-352'), { check: 'quick' })
    expect(dataset.cases).toHaveLength(900)
    expect(dataset).toMatchObject({ commonSize: [352, 352], imageChannels: 3, raters: [''] })
  })

  it.skipIf(!has('chase-db1'))('CHASE_DB1: 20 images, two observers, Dice 0.768 between them', async () => {
    const dataset = await openFolderDataset(at('chase-db1'))
    expect(dataset.cases).toHaveLength(20)
    expect(dataset).toMatchObject({ raters: ['1stHO', '2ndHO'], commonSize: [960, 999] })
    let sum = 0
    for (const entry of dataset.cases) {
      const masks = await readCaseMasks(dataset, entry)
      const pixels = masks.length / 2
      let [both, all] = [0, 0]
      for (let i = 0; i < pixels; i++) {
        both += masks[i]! & masks[pixels + i]!
        all += masks[i]! + masks[pixels + i]!
      }
      sum += (2 * both) / all
    }
    expect(sum / 20).toBeCloseTo(0.768, 2)
  })

  it.skipIf(!has('chase-db1'))('CHASE_DB1: the field of view is a disc that holds the vessels', async () => {
    const dataset = await openFolderDataset(at('chase-db1'), { layout: 'chase-db1:fov' })
    const plain = await openFolderDataset(at('chase-db1'), { check: 'quick' })
    for (const [index, entry] of dataset.cases.entries()) {
      if (index % 4 > 0) continue
      const [height, width] = entry.shape.slice(1) as [number, number]
      const labels = (await readCaseMasks(dataset, entry)).subarray(0, height * width)
      const drawn = (await readCaseMasks(plain, plain.cases[index]!)).subarray(0, height * width)
      let [area, left, right, top, bottom, lost, vessels] = [0, width, 0, height, 0, 0, 0]
      for (let i = 0; i < labels.length; i++) {
        vessels += drawn[i]!
        if (labels[i] === 255) {
          lost += drawn[i]!
          continue
        }
        area++
        const [y, x] = [Math.floor(i / width), i % width]
        left = Math.min(left, x)
        right = Math.max(right, x)
        top = Math.min(top, y)
        bottom = Math.max(bottom, y)
      }
      // Area of the ellipse in its box: π/4 · width · height.
      const ellipse = (Math.PI / 4) * (right - left + 1) * (bottom - top + 1)
      expect(Math.abs(area / ellipse - 1)).toBeLessThan(0.01)
      expect(lost / vessels).toBeLessThan(0.006)
    }
  })

  it.skipIf(!has('dsb2018-nuclei'))('Data Science Bowl 2018: 343 maps of numbered nuclei', async () => {
    const description = described('dsb.yaml', 'classes: [nucleus]\nmasks: instances')
    const dataset = await openFolderDataset(at('dsb2018-nuclei'), { description, check: 'quick' })
    expect(dataset.cases).toHaveLength(343)
    expect(dataset.coding).toEqual({ kind: 'above', value: 0 })
  })

  it.skipIf(!has('busi'))('BUSI: 175 images, some with coloured marks', async () => {
    const dataset = await openFolderDataset(at('busi'), { check: 'quick' })
    expect(dataset.cases).toHaveLength(175)
    expect(dataset.cases.filter(({ name }) => name.startsWith('normal')).length).toBeGreaterThan(0)
  })

  it.skipIf(!has('msd-hippocampus'))('hippocampus: 200 volumes of 1 mm, two parts', async () => {
    const description = described('hippo.yaml', 'classes: [anterior, posterior]')
    const dataset = await openFolderDataset(at('msd-hippocampus'), { description })
    expect(dataset.cases).toHaveLength(200)
    expect(dataset.dimensions).toBe(3)
    for (const { geometry } of dataset.cases) expect(geometry!.spacingMm).toEqual([1, 1, 1])
  })

  it.skipIf(!has('acdc'))('ACDC: 40 volumes of 20 patients, scaled values in 0..1', async () => {
    const description = described(
      'acdc.yaml',
      "classes: [right ventricle, myocardium, left ventricle]\npatient: '^(patient\\d+)_'",
    )
    const dataset = await openFolderDataset(at('acdc'), { description })
    expect(dataset.cases).toHaveLength(40)
    expect(new Set(dataset.cases.map(({ patient }) => patient)).size).toBe(20)
    const { data: values } = await readCaseImage(dataset.cases[0]!)
    // Stored as int16 with a slope of 1/30000: a reader that drops the slope gives thousands.
    let most = 0
    for (const value of values) most = Math.max(most, value)
    expect(most).toBeGreaterThan(0.5)
    expect(most).toBeLessThan(1.2)
  })
})
