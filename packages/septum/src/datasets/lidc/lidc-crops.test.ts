import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runFake } from '../../cli/test-support/fake-cli.js'
import { readImage } from '../../formats/index.js'
import { readCaseMasks } from '../case-masks.js'
import { openFolderDataset } from '../dataset.js'
import { readSplits } from '../splits.js'
import { Folder, listeningReporter, problemOf } from '../testing.js'
import { writeLidcCrops } from './index.js'

const fixture = (name: string) => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
/** Of fixtures/make_lidc_crops.py: crops computed with NumPy and scikit-image from the same files. */
const expected = JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as {
  readonly size: number
  readonly crops: Readonly<Record<string, { readonly image: number[]; readonly masks: number[][] }>>
}
const raw = fixture('raw')

let folder: Folder
let out: string
beforeEach(() => {
  folder = new Folder()
  out = join(folder.dir, 'crops')
})
afterEach(() => folder.remove())

/** All crops that were written, by patient and name, with their part. */
function written(): Map<string, string> {
  const parts = ['train', 'val', 'test'].filter((part) => existsSync(join(out, part)))
  return new Map(
    parts.flatMap((part) =>
      readdirSync(join(out, part, 'images')).flatMap((patient) =>
        readdirSync(join(out, part, 'images', patient)).map((file): [string, string] => [
          `${patient}/${file.replace(/\.png$/, '')}`,
          part,
        ]),
      ),
    ),
  )
}

describe('crops of LIDC-IDRI from DICOM and XML', () => {
  it('are those of NumPy and scikit-image: image, four masks, names', async () => {
    const result = await writeLidcCrops({ dir: raw, out, size: expected.size })
    expect(result).toMatchObject({ crops: 6, lesions: 5, series: 3, patients: 3, failures: [] })
    expect(result.byReaders).toEqual([4, 2, 0, 0])
    expect(result.notes).toEqual(['1 outline lies in no slice of its series and was left out.'])
    const crops = written()
    expect([...crops.keys()].sort()).toEqual(Object.keys(expected.crops).sort())
    for (const [name, part] of crops) {
      const { image, masks } = expected.crops[name]!
      const [patient, crop] = name.split('/') as [string, string]
      const found = await readImage(join(out, part, 'images', patient, `${crop}.png`))
      expect(found.shape).toEqual([1, expected.size, expected.size])
      // Interpolated values are kept as float32: one may fall on the other side of a half.
      const off = [...found.data].map((value, i) => Math.abs(value - image[i]!))
      expect(Math.max(...off)).toBeLessThanOrEqual(1)
      expect(off.filter((value) => value > 0).length).toBeLessThan(3)
      for (const [reader, marked] of masks.entries()) {
        const mask = await readImage(join(out, part, 'gt', patient, `${crop}_l${reader}.png`))
        expect([...mask.data].flatMap((value, i) => (value === 255 ? [i] : []))).toEqual(marked)
      }
    }
  })

  it('open as the data set of the literature, divided by patient', async () => {
    await writeLidcCrops({ dir: raw, out })
    const dataset = await openFolderDataset(out)
    expect(dataset).toMatchObject({
      name: 'LIDC-IDRI crops',
      classes: ['nodule'],
      raters: ['0', '1', '2', '3'],
      commonSize: [180, 180],
    })
    expect(dataset.description.licence).toBe('CC BY 3.0')
    const splits = await readSplits(join(out, 'splits.json'))
    expect([splits.train, splits.val, splits.test].map((part) => part.length)).toEqual([1, 1, 1])
    const entry = dataset.cases.find(({ name }) => name === 'LIDC-IDRI-0003/z-100.0_c0')!
    const masks = await readCaseMasks(dataset, entry)
    const counts = [0, 1, 2, 3].map(
      (reader) =>
        masks.subarray(reader * 180 * 180, (reader + 1) * 180 * 180).filter((label) => label).length,
    )
    expect(counts).toEqual(expected.crops['LIDC-IDRI-0003/z-100.0_c0']!.masks.map((marked) => marked.length))
  })

  it('at the spacing of the CT hold its own samples', async () => {
    // Window of 255 HU: one grey level for each. The square of reader 0 has its centre at column 8, row 25;
    // with reader 1's the box reaches from (4, 20) to (13, 29), its centre (8.5, 24.5) counts up to (9, 25).
    await writeLidcCrops({ dir: raw, out, size: 8, spacingMm: 'native', window: [-200, 55], leastReaders: 2 })
    const [name] = [...written()].find(([crop]) => crop.startsWith('LIDC-IDRI-0003'))!
    const part = written().get(name)!
    const crop = await readImage(join(out, part, 'images', `${name}.png`))
    const ct = await readImage(join(raw, 'LIDC-IDRI-0003/01-01-2000-1/3000566.000000-1'))
    const wanted = Array.from({ length: 64 }, (_, i) => {
      const value = ct.data[(25 - 4 + Math.floor(i / 8)) * 40 + (9 - 4 + (i % 8))]!
      return Math.min(255, Math.max(0, value + 200))
    })
    expect([...crop.data]).toEqual(wanted)
    expect([...written().keys()].map((one) => one.split('/')[0]).sort()).toEqual([
      'LIDC-IDRI-0001',
      'LIDC-IDRI-0003',
    ])
  })

  it('a damaged series costs itself alone; a list of patients is kept to', async () => {
    cpSync(raw, join(folder.dir, 'raw'), { recursive: true })
    const damaged = join(folder.dir, 'raw/LIDC-IDRI-0002/01-01-2000-1/3000566.000000-1/000001.dcm')
    writeFileSync(damaged, readFileSync(damaged).subarray(0, 2000))
    folder.text(
      'splits.json',
      JSON.stringify({
        by: 'patient',
        scheme: 'x',
        train: ['LIDC-IDRI-0001', 'LIDC-IDRI-0002'],
        val: [],
        test: [],
      }),
    )
    const reporter = listeningReporter()
    const dir = join(folder.dir, 'raw')
    const result = await writeLidcCrops({ dir, out, splits: join(folder.dir, 'splits.json'), reporter })
    expect(result.failures).toEqual([{ case: 'LIDC-IDRI-0002', message: expect.stringMatching(/./) }])
    expect(result.parts).toEqual({ train: 4, val: 0, test: 0 })
    expect(result.notes.join()).toMatch(/1 series is of a patient whom the split does not name/)
    expect(reporter.lines.join()).toMatch(/LIDC-IDRI-0002 was left out/)
    expect((await openFolderDataset(out)).cases).toHaveLength(4)
  })

  it('says what is wrong with the folder and the options', async () => {
    folder.text('empty/readme.txt', 'nothing')
    const dir = join(folder.dir, 'empty')
    expect((await problemOf(writeLidcCrops({ dir, out }))).code).toBe('convert-source')
    expect((await problemOf(writeLidcCrops({ dir: raw, out: dir }))).code).toBe('convert-exists')
    expect((await problemOf(writeLidcCrops({ dir: raw, out, window: [3, 3] }))).code).toBe('crops-options')
  })
})

describe('septum data convert --to lidc-crops', () => {
  it('writes them and names the next step', async () => {
    const { code, stdout } = await runFake(['data', 'convert', raw, '--to', 'lidc-crops', '--out', out])
    expect(code).toBe(0)
    expect(stdout).toMatch(/6 crops of 5 lesions in 3 patients, of 3 series/)
    expect(stdout).toMatch(/Readers who marked something: 1 in 4, 2 in 2, 3 in 0, 4 in 0/)
    expect(stdout).toContain(`Next: septum data check ${out} --out check`)
    expect(readFileSync(join(out, 'crops.csv'), 'utf8').split('\n')).toHaveLength(8)
    const check = await runFake(['data', 'check', out])
    expect(check.code).toBe(0)
    expect(check.stdout).toMatch(/layout +LIDC-IDRI crops/)
  })

  it.each([
    [['--to', 'nnunet', '--size', '64'], 2, /--size does not go with --to nnunet/],
    [['--to', 'lidc-crops', '--rater', '1'], 2, /--rater does not go with --to lidc-crops/],
    [['--to', 'lidc-crops', '--window', '400,-1000'], 2, /Two numbers in ascending order/],
    [['--to', 'lidc-crops', '--spacing', '0'], 2, /Millimetres above 0 or "native"/],
    [['--to', 'lidc-crops', '--least-readers', '5'], 1, /There are four readers/],
  ])('%j is refused', async (more, code, message) => {
    const result = await runFake(['data', 'convert', raw, '--out', out, ...more])
    expect(result.code).toBe(code)
    expect(result.stderr).toMatch(message)
    expect(existsSync(out)).toBe(false)
  })
})
