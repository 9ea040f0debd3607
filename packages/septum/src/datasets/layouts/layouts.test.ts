import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeNifti } from '../../formats/index.js'
import { readCaseMasks } from '../case-masks.js'
import { openFolderDataset } from '../dataset.js'
import { IGNORE_LABEL } from '../mask-coding.js'
import { Folder, listeningReporter, problemOf } from '../testing.js'

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

const geometry = {
  spacingMm: [3, 0.5, 0.5],
  originMm: [-10, 20, 5],
  directions: [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ],
} as const

/** A volume of 2 x 2 x 2 voxels, z slowest. */
async function volume(name: string, values: readonly number[], where: typeof geometry | object = geometry) {
  folder.text(name, '')
  await writeNifti(`${folder.dir}/${name}`, {
    data: Int16Array.from(values),
    shape: [values.length / 8, 2, 2, 2],
    maxValue: 1,
    geometry: where as typeof geometry,
  })
}
const ramp = [0, 10, 20, 30, 40, 50, 60, 70]

describe('nnU-Net v2', () => {
  const json = (more: object) =>
    folder.text(
      'dataset.json',
      JSON.stringify({
        channel_names: { 0: 'T1', 1: 'FLAIR' },
        file_ending: '.nii.gz',
        numTraining: 1,
        ...more,
      }),
    )

  it('joins channels, keeps geometry, and takes imagesTs as unlabelled test part', async () => {
    json({ labels: { background: 0, core: 1, rim: 2 } })
    await volume('imagesTr/a_0000.nii.gz', ramp)
    await volume('imagesTr/a_0001.nii.gz', [...ramp].reverse())
    await volume('labelsTr/a.nii.gz', [0, 1, 2, 0, 0, 0, 2, 1])
    await volume('imagesTs/b_0000.nii.gz', ramp)
    await volume('imagesTs/b_0001.nii.gz', ramp)
    const dataset = await openFolderDataset(folder.dir)
    expect(dataset).toMatchObject({
      classes: ['core', 'rim'],
      channelNames: ['T1', 'FLAIR'],
      imageChannels: 2,
      dimensions: 3,
      commonSize: [2, 2, 2],
    })
    expect(dataset.cases.map(({ name, shape, split }) => [name, shape, split])).toEqual([
      ['a', [2, 2, 2, 2], undefined],
      ['b', [2, 2, 2, 2], 'test'],
    ])
    expect(dataset.cases[0]!.geometry?.spacingMm).toEqual([3, 0.5, 0.5])
    expect([...(await readCaseMasks(dataset, dataset.cases[0]!))]).toEqual([0, 1, 2, 0, 0, 0, 2, 1])
    expect(dataset.splits).toMatchObject({ train: ['a'], test: ['b'] })
  })

  it('regions are unions of labels, and the ignore label is kept apart', async () => {
    json({
      labels: { background: 0, whole: [1, 2, 3], core: [2, 3], tip: [3], ignore: 4 },
      regions_class_order: [1, 2, 3],
    })
    await volume('imagesTr/a_0000.nii.gz', ramp)
    await volume('imagesTr/a_0001.nii.gz', ramp)
    await volume('labelsTr/a.nii.gz', [0, 1, 2, 3, 4, 4, 0, 0])
    const reporter = listeningReporter()
    const dataset = await openFolderDataset(folder.dir, { reporter })
    expect(dataset.classes).toEqual(['whole', 'core', 'tip'])
    expect(dataset.regions).toEqual([[1, 2, 3], [2, 3], [3]])
    expect(dataset.ignoreLabel).toBe(IGNORE_LABEL)
    expect([...(await readCaseMasks(dataset, dataset.cases[0]!))]).toEqual([0, 1, 2, 3, 255, 255, 0, 0])
    expect(reporter.lines.join()).toContain(
      'whole = 1 or 2 or 3, core = 2 or 3, tip = 3, 0 = background, 4 = ignored',
    )
  })

  it('a missing channel and a region without order are told', async () => {
    json({ labels: { background: 0, core: 1 } })
    await volume('imagesTr/a_0001.nii.gz', ramp)
    await volume('labelsTr/a.nii.gz', [0, 1, 0, 0, 0, 0, 0, 0])
    expect((await problemOf(openFolderDataset(folder.dir))).message).toMatch(/no file of channel 0/)
    json({ labels: { background: 0, core: [1, 2] } })
    expect((await problemOf(openFolderDataset(folder.dir))).toLine()).toMatch(/no regions_class_order/)
  })
})

describe('Medical Segmentation Decathlon', () => {
  it('reads the listed pairs; the fourth dimension is the channel', async () => {
    folder.text(
      'dataset.json',
      JSON.stringify({
        name: 'BRATS',
        modality: { 0: 'FLAIR', 1: 'T1w' },
        labels: { 0: 'background', 1: 'edema', 2: 'tumour' },
        licence: 'CC-BY-SA 4.0',
        training: [{ image: './imagesTr/B_001.nii.gz', label: './labelsTr/B_001.nii.gz' }],
        test: ['./imagesTs/B_002.nii.gz'],
      }),
    )
    await volume('imagesTr/B_001.nii.gz', [...ramp, ...ramp])
    await volume('labelsTr/B_001.nii.gz', [0, 1, 2, 0, 0, 0, 0, 0])
    await volume('imagesTs/B_002.nii.gz', [...ramp, ...ramp])
    const dataset = await openFolderDataset(folder.dir)
    expect(dataset).toMatchObject({ name: 'BRATS', classes: ['edema', 'tumour'], imageChannels: 2 })
    expect(dataset.description.licence).toBe('CC-BY-SA 4.0')
    expect(dataset.cases.map(({ name, masks }) => [name, masks.length])).toEqual([
      ['B_001', 1],
      ['B_002', 0],
    ])
  })
})

describe('a manifest', () => {
  const rows = [
    'image,mask.A,mask.B,case,patient,stratum,split',
    'pics/one.png,"m/one a.png",m/one_b.png,c1,p1,benign,train',
    'pics/two.png,,,c2,p2,malignant,test',
  ].join('\n')

  it('of CSV and of JSON Lines say the same', async () => {
    await folder.picture('pics/one.png', [1, 2], [5, 6])
    await folder.picture('pics/two.png', [1, 2], [7, 8])
    await folder.picture('m/one a.png', [1, 2], [0, 255])
    await folder.picture('m/one_b.png', [1, 2], [255, 255])
    folder.text('manifest.csv', rows)
    const dataset = await openFolderDataset(folder.dir)
    expect(dataset.raters).toEqual(['A', 'B'])
    expect(
      dataset.cases.map(({ name, patient, stratum, split, masks }) => [
        name,
        patient,
        stratum,
        split,
        masks.length,
      ]),
    ).toEqual([
      ['c1', 'p1', 'benign', 'train', 2],
      ['c2', 'p2', 'malignant', 'test', 0],
    ])
    expect([...(await readCaseMasks(dataset, dataset.cases[0]!))]).toEqual([0, 1, 1, 1])
    const lines = [
      {
        image: 'pics/one.png',
        'mask.A': 'm/one a.png',
        'mask.B': 'm/one_b.png',
        case: 'c1',
        patient: 'p1',
        split: 'train',
      },
      { image: 'pics/two.png', case: 'c2', patient: 'p2', split: 'test' },
    ]
    folder.text('list.jsonl', lines.map((line) => JSON.stringify(line)).join('\n'))
    const other = await openFolderDataset(`${folder.dir}/list.jsonl`)
    expect(other.cases.map(({ name, patient, split }) => [name, patient, split])).toEqual([
      ['c1', 'p1', 'train'],
      ['c2', 'p2', 'test'],
    ])
    expect([...(await readCaseMasks(other, other.cases[0]!))]).toEqual([0, 1, 1, 1])
  })

  it.each([
    ['image,mask,foo\na.png,,\n', /unknown column "foo".*Columns are image or image/],
    ['mask\na.png\n', /no column "image"/],
    ['image,split\na.png,holdout\n', /split "holdout".*Write train, val or test/],
  ])('%j is refused', async (text, expected) => {
    await folder.picture('a.png', [1, 2], [5, 6])
    folder.text('manifest.csv', text)
    expect((await problemOf(openFolderDataset(folder.dir))).toLine()).toMatch(expected)
  })
})

describe('folder pairs', () => {
  it('of volumes under labels/, and a mask on another grid is a problem', async () => {
    folder.text('dataset.yaml', 'classes: [anterior, posterior]')
    await volume('images/a.nii.gz', ramp)
    await volume('labels/a.nii.gz', [0, 1, 2, 0, 0, 0, 0, 0])
    expect(await openFolderDataset(folder.dir)).toMatchObject({ dimensions: 3, raters: [''] })
    await volume('labels/a.nii.gz', [0, 1, 2, 0, 0, 0, 0, 0], { ...geometry, spacingMm: [3, 0.5, 0.6] })
    const problem = await problemOf(openFolderDataset(folder.dir))
    expect(problem.toLine()).toMatch(
      /lies elsewhere than its image: spacing 0.5 x 0.5 x 3 mm and 0.6 x 0.5 x 3 mm \(case a, .*geometry: image/,
    )
    folder.text('dataset.yaml', 'classes: [anterior, posterior]\ngeometry: image')
    expect((await openFolderDataset(folder.dir)).cases).toHaveLength(1)
  })

  it('masks <case>_<rater> where no mask has the name of an image', async () => {
    for (const name of ['x_1', 'x_2']) {
      await folder.picture(`images/${name}.png`, [1, 2], [5, 6])
      await folder.picture(`masks/${name}_1stHO.png`, [1, 2], [0, 255])
      await folder.picture(`masks/${name}_2ndHO.png`, [1, 2], [255, 255])
    }
    const dataset = await openFolderDataset(folder.dir)
    expect(dataset.raters).toEqual(['1stHO', '2ndHO'])
    expect([...(await readCaseMasks(dataset, dataset.cases[1]!))]).toEqual([0, 1, 1, 1])
  })

  it('masks <case>_mask are one rater', async () => {
    await folder.picture('images/a.png', [1, 2], [5, 6])
    await folder.picture('masks/a_mask.png', [1, 2], [0, 255])
    expect((await openFolderDataset(folder.dir)).raters).toEqual([''])
  })

  it('numbered objects and another background', async () => {
    await folder.picture('images/a.png', [1, 4], [5, 6, 7, 8])
    await folder.picture('masks/a.png', [1, 4], [0, 1, 7, 255])
    folder.text('dataset.yaml', 'classes: [nucleus]\nmasks: instances')
    const objects = await openFolderDataset(folder.dir)
    expect([...(await readCaseMasks(objects, objects.cases[0]!))]).toEqual([0, 1, 1, 1])
    folder.text('dataset.yaml', 'classes: [{name: a, value: 0}, {name: b, value: [1, 7]}]\nbackground: 255')
    const layers = await openFolderDataset(folder.dir)
    expect([...(await readCaseMasks(layers, layers.cases[0]!))]).toEqual([1, 2, 2, 0])
  })
})

it('says what to do with a folder of no known layout, and with an unknown name', async () => {
  folder.text('readme.txt', 'nothing')
  expect((await problemOf(openFolderDataset(folder.dir))).toLine()).toMatch(
    /no layout that is known.*--layout/,
  )
  expect((await problemOf(openFolderDataset(folder.dir, { layout: 'bussi' }))).toLine()).toMatch(
    /no layout "bussi".*busi/,
  )
})
