import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readImage, writeNifti } from '../../formats/index.js'
import { readCaseImage } from '../case-image.js'
import { readCaseMasks } from '../case-masks.js'
import { openFolderDataset } from '../dataset.js'
import { Folder, problemOf } from '../testing.js'
import { convertDataset } from './convert-dataset.js'

let folder: Folder
let out: string
beforeEach(() => {
  folder = new Folder()
  out = join(folder.dir, 'out')
})
afterEach(() => folder.remove())

// Oblique: 20 degrees about the patient's long axis, and slices that run downwards.
const [c, s] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)]
const geometry = {
  spacingMm: [2.5, 0.7, 0.6],
  originMm: [-12.25, 33.5, 410],
  directions: [
    [0, 0, -1],
    [-s, c, 0],
    [c, s, 0],
  ],
} as const

async function volume(name: string, data: Int16Array | Uint8Array, channels = 1) {
  folder.text(name, '')
  await writeNifti(join(folder.dir, name), { data, shape: [channels, 2, 2, 3], maxValue: 1, geometry })
}
const ramp = (from: number) => Int16Array.from({ length: 12 }, (_, i) => from + 7 * i)

describe('volumes', () => {
  beforeEach(async () => {
    folder.text(
      'in/dataset.yaml',
      "classes: [{name: core, value: 2}, {name: rim, value: 5}]\nchannels: [T1, T2]\npatient: '^(p\\d)'",
    )
    for (const name of ['p1_a', 'p1_b', 'p2_a']) {
      await volume(`in/images/${name}.nii.gz`, Int16Array.of(...ramp(-1000), ...ramp(5)), 2)
      await volume(`in/masks/${name}.nii.gz`, Uint8Array.of(0, 2, 5, 0, 0, 0, 5, 0, 0, 2, 0, 0))
    }
    folder.text(
      'in/splits.json',
      JSON.stringify({ by: 'patient', scheme: 'hand', train: ['p1'], val: [], test: ['p2'] }),
    )
  })

  it('to nnU-Net: a file a channel, consecutive labels, geometry kept, test images apart', async () => {
    const result = await convertDataset({ dir: join(folder.dir, 'in'), to: 'nnunet', out })
    expect(result).toMatchObject({ cases: 3, ending: '.nii.gz' })
    expect(JSON.parse(readFileSync(join(out, 'dataset.json'), 'utf8'))).toMatchObject({
      channel_names: { 0: 'T1', 1: 'T2' },
      labels: { background: 0, core: 1, rim: 2 },
      numTraining: 2,
      file_ending: '.nii.gz',
    })
    const second = await readImage(join(out, 'imagesTr/p1_a_0001.nii.gz'))
    expect([...second.data]).toEqual([...ramp(5)])
    const label = await readImage(join(out, 'labelsTr/p1_b.nii.gz'))
    expect([...label.data]).toEqual([0, 1, 2, 0, 0, 0, 2, 0, 0, 1, 0, 0])
    for (const image of [second, label]) {
      for (const key of ['spacingMm', 'originMm', 'directions'] as const) {
        const [is, was] = [image.geometry![key].flat(), geometry[key].flat()]
        is.forEach((value, k) => {
          expect(value).toBeCloseTo(was[k]!, 4)
        })
      }
    }
    expect(existsSync(join(out, 'labelsTs/p2_a.nii.gz'))).toBe(true)
    const again = await openFolderDataset(out)
    expect(again.classes).toEqual(['core', 'rim'])
    expect(again.cases.map(({ name, split }) => [name, split])).toEqual([
      ['p1_a', undefined],
      ['p1_b', undefined],
      ['p2_a', 'test'],
    ])
  })

  it('to folders: files in the wanted form are copied byte for byte; patients and split come along', async () => {
    const input = join(folder.dir, 'in')
    await convertDataset({ dir: input, to: 'folders', out })
    const [was, is] = [input, out].map((dir) => readFileSync(join(dir, 'images/p1_a.nii.gz')))
    expect(is!.equals(was!)).toBe(true)
    const [before, after] = await Promise.all([openFolderDataset(input), openFolderDataset(out)])
    expect(after.splits).toMatchObject({ train: ['p1'], test: ['p2'] })
    expect(after.channelNames).toEqual(['T1', 'T2'])
    for (const [index, entry] of after.cases.entries()) {
      const old = before.cases[index]!
      expect(entry.patient).toBe(old.patient)
      expect([...(await readCaseImage(entry)).data]).toEqual([...(await readCaseImage(old)).data])
      expect([...(await readCaseMasks(after, entry))]).toEqual([...(await readCaseMasks(before, old))])
    }
  })
})

describe('pictures', () => {
  it('of several raters: folders keep all, nnU-Net wants one named; odd names become file names', async () => {
    for (const name of ['a 1', 'b/2']) {
      const file = name.replace('/', '_')
      await folder.picture(`pics/${file}.jpg`, [2, 2], [10, 20, 30, 40])
      for (const rater of ['A', 'B'])
        await folder.picture(`pics/${file}_${rater}.png`, [2, 2], [0, 255, 0, rater === 'A' ? 0 : 255])
    }
    const rows = ['a 1', 'b/2'].map((name) => {
      const file = `pics/${name.replace('/', '_')}`
      return `${name},${file}.jpg,${file}_A.png,${file}_B.png`
    })
    folder.text('list.csv', ['case,image,mask.A,mask.B', ...rows].join('\n'))
    const dir = join(folder.dir, 'list.csv')
    const problem = await problemOf(convertDataset({ dir, to: 'nnunet', out }))
    expect(problem.toLine()).toMatch(/one mask a case, and there are 2 raters.*--rater with one of A, B/)
    const result = await convertDataset({ dir, to: 'nnunet', out, rater: 'B' })
    expect(result.ending).toBe('.png')
    expect(result.notes.join()).toMatch(/2 cases were renamed.*rater B/)
    expect([...(await readImage(join(out, 'labelsTr/a_1.png'))).data]).toEqual([0, 1, 0, 1])
    const folders = join(folder.dir, 'out2')
    await convertDataset({ dir, to: 'folders', out: folders })
    const again = await openFolderDataset(folders)
    expect(again.raters).toEqual(['A', 'B'])
    expect([...(await readCaseMasks(again, again.cases[1]!))]).toEqual([0, 1, 0, 0, 0, 1, 0, 1])
    expect((await problemOf(convertDataset({ dir, to: 'folders', out: folders }))).code).toBe(
      'convert-exists',
    )
  })
})

it('regions and the ignore label survive nnU-Net', async () => {
  folder.text(
    'in/dataset.yaml',
    'classes: [{name: tip, region: [4]}, {name: whole, region: [1, 2, 4]}, {name: core, region: [1, 4]}]\nignore: 9',
  )
  await folder.picture('in/images/a.png', [1, 5], [1, 2, 3, 4, 5])
  await folder.picture('in/masks/a.png', [1, 5], [0, 1, 2, 4, 9])
  await convertDataset({ dir: join(folder.dir, 'in'), to: 'nnunet', out })
  // Values 1, 2, 4 become labels 1, 2, 3; painted in this order whole 2, core 1, tip 3 give the labels back.
  expect(JSON.parse(readFileSync(join(out, 'dataset.json'), 'utf8'))).toMatchObject({
    labels: { background: 0, whole: [1, 2, 3], core: [1, 3], tip: [3], ignore: 4 },
    regions_class_order: [2, 1, 3],
  })
  expect([...(await readImage(join(out, 'labelsTr/a.png'))).data]).toEqual([0, 1, 2, 3, 4])
  const again = await openFolderDataset(out)
  expect([...(await readCaseMasks(again, again.cases[0]!))]).toEqual([0, 1, 2, 3, 255])
})
