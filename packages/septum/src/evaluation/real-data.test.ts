import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { silentReporter } from '@septum/core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseClasses } from './classes.js'
import { evaluateFolders } from './evaluate-folders.js'
import { pictureOfCase } from './worst.js'

const data = process.env.SEPTUM_DATA ?? fileURLToPath(new URL('../../../../../shared/data', import.meta.url))
const present = existsSync(join(data, 'chase-db1')) && existsSync(join(data, 'acdc'))
if (!present) process.stderr.write('skipped: real masks are scored only where SEPTUM_DATA has them\n')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'septum-real-'))
  for (const name of ['pred', 'ref']) mkdirSync(join(folder, name))
})
afterEach(() => rmSync(folder, { recursive: true }))

const common = () => ({
  methods: [{ name: 'pred', folder: join(folder, 'pred') }],
  references: join(folder, 'ref'),
  reporter: silentReporter,
  signal: new AbortController().signal,
})

describe.skipIf(!present)('real masks', () => {
  it('one reader of retinal vessels against the other: Dice by NumPy', async () => {
    // 2 |A and B| / (|A| + |B|) of the files by NumPy 1.24.
    const expected = { '01L': 0.8173122061211454, '01R': 0.774435865206201, '02L': 0.7554746659649738 }
    for (const name of Object.keys(expected)) {
      const file = (reader: string) => join(data, 'chase-db1', 'masks', `Image_${name}_${reader}HO.png`)
      copyFileSync(file('1st'), join(folder, 'pred', `${name}.png`))
      copyFileSync(file('2nd'), join(folder, 'ref', `${name}.png`))
    }
    const { evaluation } = await evaluateFolders({ ...common(), metrics: ['dice'] })
    const own = Object.fromEntries(evaluation.perCase.map((one) => [one.case, one.values.dice]))
    for (const [name, dice] of Object.entries(expected)) expect(own[name]).toBeCloseTo(dice, 12)
  })

  it('the end of the heart beat against its beginning: classes, a region, a volume as a picture', async () => {
    for (const [to, frame] of [
      ['pred', '01'],
      ['ref', '12'],
    ])
      copyFileSync(
        join(data, 'acdc', 'labels', `patient001_frame${frame}.nii.gz`),
        join(folder, to!, 'patient001.nii.gz'),
      )
    const classes = parseClasses('RV=1,myocardium=2,LV=3,heart=1+2+3')
    const { evaluation, plan, jobs } = await evaluateFolders({ ...common(), classes, metrics: ['dice'] })
    const dice = evaluation.perCase.map((one) => one.values.dice)
    // The same of nibabel's arrays by NumPy.
    const expected = [0.5792697868169566, 0.6151651039543417, 0.8556570625439213, 0.8759751271905031]
    dice.forEach((value, c) => {
      expect(value).toBeCloseTo(expected[c]!, 12)
    })
    const picture = await pictureOfCase(plan, jobs[0]!)
    expect(picture).toMatchObject({ width: 216, height: 256, image: null })
    expect(picture.plane).toMatch(/^slice \d+ of 10$/)
  })
})
