import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeNifti } from '../../formats/index.js'
import { openFolderDataset } from '../dataset.js'
import { Folder } from '../testing.js'
import { checkDataset } from './check-dataset.js'
import { quantile, spreadOf } from './numbers.js'
import { chooseCases, readThumbnail } from './thumbnail.js'

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

const check = async () => (await checkDataset(folder.dir)).check

it('quantiles are those of NumPy', () => {
  // numpy.quantile([1, 2, 4, 8], [0, 0.25, 0.5, 0.75, 1]) = 1, 1.75, 3, 5, 8
  const values = Float64Array.of(1, 2, 4, 8)
  expect([0, 0.25, 0.5, 0.75, 1].map((share) => quantile(values, share))).toEqual([1, 1.75, 3, 5, 8])
  expect(spreadOf([8, 1, 4, 2])).toEqual({
    count: 4,
    min: 1,
    q25: 1.75,
    median: 3,
    q75: 5,
    max: 8,
    mean: 3.75,
  })
  expect(spreadOf([])).toBeUndefined()
})

describe('a data set of pictures', () => {
  beforeEach(async () => {
    folder.text('dataset.yaml', 'classes: [cyst, tumour]')
    await folder.picture('images/a.png', [3, 4], [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110])
    // Two cysts of 2 and 1 pixels (diagonal neighbours touch), one tumour of 3.
    await folder.picture('masks/a.png', [3, 4], [1, 0, 0, 1, 0, 1, 0, 0, 2, 2, 2, 0])
    await folder.picture('images/b.png', [2, 2], [5, 5, 5, 5])
    await folder.picture('masks/b.png', [2, 2], [0, 0, 0, 0])
  })

  it('counts cases, classes and connected parts', async () => {
    const found = await check()
    expect(found).toMatchObject({
      cases: 2,
      labelled: 2,
      patients: 2,
      volumes: 0,
      emptyCases: 1,
      problems: [],
      warnings: [],
    })
    expect(found.sizes).toEqual([
      { value: '4 x 3', count: 1 },
      { value: '2 x 2', count: 1 },
    ])
    const [cyst, tumour] = found.classRows
    expect(cyst).toMatchObject({ name: 'cyst', cases: 1, sizes: [2, 1], unit: 'px', partsPerCase: 1 })
    expect(cyst!.share).toBeCloseTo(3 / 16, 12)
    expect(tumour).toMatchObject({ cases: 1, sizes: [3] })
    // Image a: mean 55, deviation sqrt(143 / 12) * 10 = 34.52; image b: 5 and 0.
    expect(found.intensities).toHaveLength(1)
    expect(found.intensities[0]).toMatchObject({ channel: 'grey', min: 0, max: 110, mean: 30 })
    expect(found.intensities[0]!.std).toBeCloseTo((10 * Math.sqrt(143 / 12)) / 2, 9)
    expect(found.split).toBeUndefined()
  })

  it('lists what cannot be read or paired and looks at the rest', async () => {
    folder.text('images/c.png', 'no picture')
    await folder.picture('masks/c.png', [1, 1], [0])
    await folder.picture('images/d.png', [2, 2], [1, 2, 3, 4])
    await folder.picture('masks/e.png', [2, 2], [0, 0, 0, 0])
    await folder.picture('images/f.png', [2, 2], [1, 2, 3, 5])
    await folder.picture('masks/f.png', [2, 3], [0, 0, 0, 0, 0, 0])
    const found = await check()
    expect(found.cases).toBe(5)
    expect(found.problems.map(({ code, case: name }) => [code, name])).toEqual([
      ['mask-missing', 'd'],
      ['picture-format', 'c'],
      ['mask-size', 'f'],
    ])
    expect(found.warnings.map(({ code, file }) => [code, file?.split('/').at(-1)])).toEqual([
      ['mask-orphan', 'e.png'],
    ])
    expect(found.classRows[0]).toMatchObject({ cases: 1 })
    expect(found.problems.every(({ hint }) => hint.length > 0)).toBe(true)
  })

  it('finds copies by content, under other names and formats, and across parts', async () => {
    await folder.picture('images/copy.png', [2, 2], [5, 5, 5, 5])
    await folder.picture('masks/copy.png', [2, 2], [0, 1, 0, 0])
    folder.text(
      'splits.json',
      JSON.stringify({ by: 'patient', scheme: 'hand', train: ['a', 'b'], val: [], test: ['copy'] }),
    )
    const found = await check()
    expect(found.duplicates).toEqual([
      { cases: ['b', 'copy'], parts: ['train', 'test'], leak: true, patients: 2 },
    ])
    expect(found.warnings[0]).toMatchObject({ code: 'duplicate-leak' })
    expect(found.split).toMatchObject({
      scheme: 'hand',
      parts: { train: { cases: 2 }, val: { cases: 0 }, test: { cases: 1 } },
    })
  })
})

describe('a data set of volumes', () => {
  const write = async (name: string, values: readonly number[], x = 0.5) => {
    folder.text(name, '')
    await writeNifti(`${folder.dir}/${name}`, {
      data: Float32Array.from(values),
      shape: [1, 2, 2, 3],
      maxValue: 1,
      geometry: {
        spacingMm: [4, 1, x],
        originMm: [0, 0, 0],
        directions: [
          [0, 0, 1],
          [0, 1, 0],
          [1, 0, 0],
        ],
      },
    })
  }

  it('measures parts in cubic millimetres and tells masks that lie elsewhere', async () => {
    await write('images/a.nii.gz', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, Number.NaN])
    await write('masks/a.nii.gz', [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1])
    await write('images/b.nii.gz', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13])
    await write('masks/b.nii.gz', [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], 0.6)
    const found = await check()
    expect(found.spacings).toEqual([{ value: '0.5 x 1 x 4', count: 2 }])
    expect(found.problems.map(({ code, case: name }) => [code, name])).toEqual([['mask-geometry', 'b']])
    // Voxels (0,0,0), (1,0,1) and (1,1,2) touch by corners and edges: one part of 3 x 2 mm³ in a, 2 x 2 in b.
    expect(found.classRows[0]).toMatchObject({ unit: 'mm³', sizes: [6, 4] })
    expect(found.warnings).toMatchObject([{ code: 'image-not-finite', case: 'a' }])
    expect(found.intensities[0]).toMatchObject({ min: 1, max: 13 })
  })

  it('shows the slice with the most marks, with the aspect of its pixels', async () => {
    await write('images/a.nii.gz', [0, 0, 0, 0, 0, 0, 0, 50, 100, 0, 0, 0])
    await write('masks/a.nii.gz', [1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0])
    const dataset = await openFolderDataset(folder.dir)
    const thumbnail = await readThumbnail(dataset, dataset.cases[0]!)
    expect(thumbnail).toMatchObject({ width: 3, height: 2, aspect: 2, slice: 'slice 2 of 2' })
    expect([...thumbnail.masks[0]!.marks]).toEqual([0, 1, 1, 0, 0, 0])
    expect(chooseCases(dataset.cases, 5)).toHaveLength(1)
  })
})

it('sizes of numbered objects are those of the numbers, though they touch', async () => {
  folder.text('dataset.yaml', 'classes: [nucleus]\nmasks: instances')
  await folder.picture('images/a.png', [1, 5], [1, 2, 3, 4, 5])
  await folder.picture('masks/a.png', [1, 5], [3, 3, 7, 7, 7])
  expect((await check()).classRows[0]).toMatchObject({ sizes: [2, 3], partsPerCase: 2 })
})

describe('masks whose values nobody explained', () => {
  const data = async (values: readonly (readonly number[])[]) => {
    for (const [k, own] of values.entries()) {
      await folder.picture(
        `images/c${k}.png`,
        [1, own.length],
        own.map((_, i) => i + k),
      )
      await folder.picture(`masks/c${k}.png`, [1, own.length], own)
    }
    return check()
  }

  it('few are shown one by one, and what may be said of them is offered', async () => {
    const { labels, classes, classRows, problems } = await data([
      [0, 2, 2, 5],
      [0, 2, 9, 9],
    ])
    expect(labels).toBe('3 values (2, 5, 9) of unknown meaning, 0 = background')
    expect(classes).toEqual(['value 2', 'value 5', 'value 9'])
    expect(classRows.map(({ cases }) => cases)).toEqual([2, 1, 1])
    expect(problems).toHaveLength(1)
    // 9 is below 16: four bits.
    expect(problems[0]!.hint).toBe(
      'Say in dataset.yaml: classes: [name 1, name 2, name 3] for a class a value; masks: instances for numbered objects; raters: {encoding: bits, count: 4} for a bit a rater.',
    )
  })

  it('hundreds are not listed, and are one problem', async () => {
    const { labels, classes, problems } = await data([
      Array.from({ length: 200 }, (_, i) => i),
      Array.from({ length: 250 }, (_, i) => i),
    ])
    expect(labels).toBe('249 values (1, 2, 3, 4, 5, 6, … 249) of unknown meaning, 0 = background')
    expect(classes).toEqual(['foreground'])
    expect(problems.map(({ hint }) => hint)).toEqual([
      'Say in dataset.yaml: masks: instances for numbered objects; raters: {encoding: bits, count: 8} for a bit a rater.',
    ])
  })
})

it('images that may be of one patient are pointed out until somebody says', async () => {
  for (const [k, name] of ['p01_a', 'p01_b', 'p02_a', 'p02_b'].entries()) {
    await folder.picture(`images/${name}.png`, [1, 2], [k, 7])
    await folder.picture(`masks/${name}.png`, [1, 2], [0, 1])
  }
  const { warnings } = await check()
  expect(warnings).toMatchObject([{ code: 'patients-untold', case: 'p01_a' }])
  expect(warnings[0]!.message).toMatch(/^p01_a and p01_b may be of one patient/)
  // The offered pattern does what it says.
  const pattern = /patient: '(.+)'\.$/.exec(warnings[0]!.hint)![1]!
  folder.text('dataset.yaml', `patient: '${pattern}'`)
  const again = await check()
  expect([again.patients, again.warnings]).toEqual([2, []])
})
