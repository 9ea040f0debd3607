import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import sharp from 'sharp'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeNifti, writeNpy } from '../../formats/index.js'
import { readCaseImage } from '../case-image.js'
import { readCaseMasks } from '../case-masks.js'
import { type FolderDataset, openFolderDataset } from '../dataset.js'
import { type SplitName, selectCases } from '../splits.js'
import { Folder, problemOf } from '../testing.js'
import { busiFold } from './busi-folds.js'
import { adapters, detectAdapter } from './index.js'

let folder: Folder
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => folder.remove())

/** Pictures of 1 x 3 pixels; masks mark what the values say. */
const image = async (...names: string[]) => {
  for (const name of names) await folder.picture(name, [1, 3], [10, 20, 30])
}
const mask = (name: string, values: readonly number[] = [0, 255, 0]) => folder.picture(name, [1, 3], values)

async function nifti(name: string, values: readonly number[], shape = [1, 1, 1, 3]) {
  mkdirSync(dirname(join(folder.dir, name)), { recursive: true })
  await writeNifti(join(folder.dir, name), {
    data: Int16Array.from(values),
    shape,
    maxValue: 1,
    geometry: {
      spacingMm: [1, 1, 1],
      originMm: [0, 0, 0],
      directions: [
        [0, 0, 1],
        [0, 1, 0],
        [1, 0, 0],
      ],
    },
  })
}

async function hdf5(name: string, shape: number[], values: readonly number[], labels: readonly number[]) {
  const h5 = await import('h5wasm/node')
  await h5.ready
  const file = join(folder.dir, name)
  mkdirSync(dirname(file), { recursive: true })
  const out = new h5.File(file, 'w')
  out.create_dataset({ name: 'image', data: Float32Array.from(values), shape })
  out.create_dataset({ name: 'label', data: Uint8Array.from(labels), shape })
  out.close()
}

const open = (layout?: string) => openFolderDataset(folder.dir, layout === undefined ? {} : { layout })
const labelsOf = async (dataset: FolderDataset, name: string) => [
  ...(await readCaseMasks(dataset, dataset.cases.find((entry) => entry.name === name)!)),
]
const names = (dataset: FolderDataset): Record<SplitName, string[]> => {
  const parts = selectCases(dataset.cases, dataset.splits!)
  const list = (part: SplitName) => parts[part].map(({ name }) => name)
  return { train: list('train'), val: list('val'), test: list('test') }
}

it('every adapter states source, licence, citation and split, under a name of its own', () => {
  expect(new Set(adapters.map(({ name }) => name)).size).toBe(adapters.length)
  for (const { source, licence, citation, split } of adapters) {
    for (const text of [source, licence, citation, split]) expect(text.length).toBeGreaterThan(4)
  }
})

it('docs/datasets.md says the same of every adapter', () => {
  const page = readFileSync(new URL('../../../../../docs/datasets.md', import.meta.url), 'utf8')
  for (const { name, title, source, licence, citation, split, variants } of adapters) {
    expect(page).toContain(`## ${title} (\`${name}\`)`)
    for (const text of [source, licence, citation, split, ...Object.values(variants)])
      expect(page).toContain(text)
    for (const key of Object.keys(variants)) expect(page).toContain(`\`${name}:${key}\``)
  }
})

describe('pictures', () => {
  it("polyps: PraNet's folders; masks are cut at half", async () => {
    for (const name of ['1', '2', '3']) {
      await image(`TrainDataset/image/${name}.png`)
      await mask(`TrainDataset/mask/${name}.png`, [3, 250, 127])
    }
    for (const set of ['Kvasir', 'CVC-300']) {
      await image(`TestDataset/${set}/images/1.png`)
      await mask(`TestDataset/${set}/masks/1.png`, [0, 255, 128])
    }
    const dataset = await open()
    expect(dataset.description.name).toBe("Polyps, PraNet's split")
    expect(names(dataset)).toEqual({
      train: ['TrainDataset/2', 'TrainDataset/3'],
      val: ['TrainDataset/1'],
      test: ['Kvasir/1', 'CVC-300/1'],
    })
    expect(await labelsOf(dataset, 'TrainDataset/1')).toEqual([0, 1, 0])
    expect(await labelsOf(dataset, 'Kvasir/1')).toEqual([0, 1, 1])
    expect(names(await open('polyps:CVC-300')).test).toEqual(['CVC-300/1'])
    expect((await problemOf(open('polyps:CVC-301'))).toLine()).toMatch(/no variant "CVC-301".*polyps:Kvasir/)
  })

  it('BUSI: mask files of one image are joined; folds leave normal images out', async () => {
    await image(
      'benign/benign (1).png',
      'benign/benign (2).png',
      'malignant/malignant (1).png',
      'normal/normal (1).png',
    )
    await mask('benign/benign (1)_mask.png', [255, 0, 0])
    await mask('benign/benign (1)_mask_1.png', [0, 0, 255])
    await mask('benign/benign (2)_mask.png')
    await mask('malignant/malignant (1)_mask.png')
    await mask('normal/normal (1)_mask.png', [0, 0, 0])
    const dataset = await open()
    expect(dataset.cases.map(({ name, stratum }) => [name, stratum])).toEqual([
      ['benign (1)', 'benign'],
      ['benign (2)', 'benign'],
      ['malignant (1)', 'malignant'],
      ['normal (1)', 'normal'],
    ])
    expect(await labelsOf(dataset, 'benign (1)')).toEqual([1, 0, 1])
    // benign 1 and malignant 1 are in fold 1, benign 2 in fold 2.
    expect(names(await open('busi:fold1')).test).toEqual(['benign (1)', 'malignant (1)'])
    expect(names(await open('busi:fold2')).test).toEqual(['benign (2)'])
  })

  it('BUSI: the folds have the published sizes', () => {
    const count = (kind: string, images: number) => {
      const folds = [0, 0, 0, 0]
      for (let n = 1; n <= images; n++) folds[busiFold(`${kind} (${n})`)! - 1]!++
      return folds
    }
    expect(count('benign', 437)).toEqual([109, 110, 109, 109])
    expect(count('malignant', 210)).toEqual([52, 52, 52, 54])
    // Rows of the published tables: 1.xlsx begins with malignant 97, 2.xlsx with 163, 4.xlsx ends with benign 408.
    expect([busiFold('malignant (97)'), busiFold('malignant (163)'), busiFold('benign (408)')]).toEqual([
      1, 2, 4,
    ])
    expect(busiFold('normal (1)')).toBeUndefined()
    expect(busiFold('benign (438)')).toBeUndefined()
  })

  it('GOALS: background is 255, the first layer is 0; other images are unlabelled', async () => {
    await image('Train/Image/0001.png', 'Validation/Image/0101.png')
    await mask('Train/Layer_Masks/0001.png', [255, 80, 160])
    await image('Train/Image/0002.png')
    await mask('Train/Layer_Masks/0002.png', [0, 255, 80])
    const dataset = await open()
    expect(await labelsOf(dataset, '0001')).toEqual([0, 2, 3])
    expect(await labelsOf(dataset, '0002')).toEqual([1, 0, 2])
    expect(dataset.cases.find(({ name }) => name === 'Validation/0101')!.masks).toEqual([])
  })

  it('DRIVE: TIFF images, GIF masks, both observers on request', async () => {
    const gif = async (name: string, values: readonly number[]) => {
      const raw = { width: 3, height: 1, channels: 1 as const }
      folder.text(name, await sharp(Uint8Array.from(values), { raw }).gif().toBuffer())
    }
    const tiff = async (name: string) => {
      const raw = { width: 3, height: 1, channels: 3 as const }
      folder.text(
        name,
        await sharp(
          Uint8Array.from({ length: 9 }, (_, i) => i),
          { raw },
        )
          .tiff({ compression: 'none' })
          .toBuffer(),
      )
    }
    for (const number of ['21', '22']) {
      await tiff(`training/images/${number}_training.tif`)
      await gif(`training/1st_manual/${number}_manual1.gif`, [0, 255, 255])
    }
    await tiff('test/images/01_test.tif')
    await gif('test/1st_manual/01_manual1.gif', [255, 0, 0])
    await gif('test/2nd_manual/01_manual2.gif', [255, 255, 0])
    const dataset = await open()
    expect(names(dataset)).toEqual({ train: ['22'], val: ['21'], test: ['01'] })
    expect(await labelsOf(dataset, '21')).toEqual([0, 1, 1])
    const both = await open('drive:second')
    expect(both.raters).toEqual(['first', 'second'])
    expect(await labelsOf(both, '01')).toEqual([1, 0, 0, 1, 1, 0])
  })

  it('DRIVE: what lies outside of the published field of view counts nowhere', async () => {
    const gif = async (name: string, values: readonly number[]) => {
      const raw = { width: values.length, height: 1, channels: 1 as const }
      folder.text(name, await sharp(Uint8Array.from(values), { raw }).gif().toBuffer())
    }
    for (const [part, number] of [
      ['training', '21'],
      ['training', '22'],
      ['test', '01'],
    ] as const) {
      await image(`${part}/images/${number}_${part}.tif`)
      await gif(`${part}/1st_manual/${number}_manual1.gif`, [0, 255, 255])
      await gif(`${part}/mask/${number}_${part}_mask.gif`, [0, 255, 255])
    }
    await gif('test/2nd_manual/01_manual2.gif', [255, 0, 255])
    expect((await open()).ignoreLabel).toBeUndefined()
    const dataset = await open('drive:fov')
    expect(dataset.ignoreLabel).toBe(255)
    expect(await labelsOf(dataset, '21')).toEqual([255, 1, 1])
    // Training and evaluation read the same: the batch holds what no loss counts, and the score skips it.
    const { loadCase } = await import('../case.js')
    expect([...(await loadCase(dataset, dataset.cases[0]!)).masks]).toContain(255)
    const both = await open('drive:second-fov')
    expect(await labelsOf(both, '01')).toEqual([255, 1, 1, 255, 0, 1])
    // A field that is missing or of another size is a problem, not a guess.
    await gif('test/mask/01_test_mask.gif', [255])
    expect((await problemOf(open('drive:fov'))).code).toBe('mask-size')
    rmSync(join(folder.dir, 'test/mask/01_test_mask.gif'))
    expect((await problemOf(open('drive:fov'))).toLine()).toMatch(/01_mask\.gif/)
  })

  it('CHASE_DB1 and STARE: the field of view is found in the photographs', async () => {
    // 7 x 6 pixels, brightest channel: a lit region with a dark hole (a vessel), and a lone lit pixel at the side.
    // biome-ignore format: rows of the picture
    const brightest = [
      5, 5, 5, 5, 5, 5, 99,
      5, 5, 80, 80, 80, 5, 5,
      5, 80, 80, 9, 80, 5, 5,
      5, 80, 80, 80, 80, 5, 5,
      5, 5, 80, 80, 21, 20, 5,
      5, 5, 5, 5, 5, 5, 5,
    ]
    // biome-ignore format: rows of the picture; 20 is not above 20
    const field = [
      0, 0, 0, 0, 0, 0, 0,
      0, 0, 1, 1, 1, 0, 0,
      0, 1, 1, 1, 1, 0, 0,
      0, 1, 1, 1, 1, 0, 0,
      0, 0, 1, 1, 1, 0, 0,
      0, 0, 0, 0, 0, 0, 0,
    ]
    const rgb = brightest.flatMap((value) => [3, value, 4])
    const marked = Array.from({ length: 42 }, (_, i) => (i % 5 === 0 ? 255 : 0))
    const wanted = marked.map((value, i) => (field[i] === 0 ? 255 : value / 255))
    await folder.picture('Image_01L.png', [6, 7], rgb)
    for (const observer of ['1st', '2nd']) await folder.picture(`Image_01L_${observer}HO.png`, [6, 7], marked)
    const chase = await open('chase-db1:fov')
    expect(chase.raters).toEqual(['1stHO', '2ndHO'])
    expect(await labelsOf(chase, 'Image_01L')).toEqual([...wanted, ...wanted])
    expect(await labelsOf(await open('chase-db1:first-fov'), 'Image_01L')).toEqual(wanted)
    folder.remove()
    folder = new Folder()
    folder.text('stare-images/im0001.ppm', Buffer.concat([Buffer.from('P6 7 6 255\n'), Buffer.from(rgb)]))
    folder.text('labels-ah/im0001.ah.ppm', Buffer.concat([Buffer.from('P5 7 6 255\n'), Buffer.from(marked)]))
    const stare = await open('stare:first-fov')
    expect(await labelsOf(stare, 'im0001')).toEqual(wanted)
    folder.text('stare-images/im0001.ppm', Buffer.concat([Buffer.from('P6 7 6 255\n'), Buffer.alloc(126)]))
    expect((await problemOf(readCaseMasks(stare, stare.cases[0]!))).code).toBe('field-none')
  })

  it('CHASE_DB1: two observers, children 11 and later test', async () => {
    for (const eye of ['01L', '01R', '02L', '11L']) {
      await image(`Image_${eye}.jpg`)
      await mask(`Image_${eye}_1stHO.png`)
      await mask(`Image_${eye}_2ndHO.png`, [255, 255, 0])
    }
    const dataset = await open()
    expect(dataset.raters).toEqual(['1stHO', '2ndHO'])
    expect(await labelsOf(dataset, 'Image_01L')).toEqual([0, 1, 0, 1, 1, 0])
    expect(dataset.splits).toMatchObject({ train: ['02'], val: ['01'], test: ['11'] })
    expect((await open('chase-db1:first')).raters).toEqual([''])
  })

  it('STARE: packed PPM pictures of which 20 were segmented', async () => {
    const ppm = Buffer.concat([
      Buffer.from('P6\n# scanner\n3 1\n255\n'),
      Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]),
    ])
    folder.text('stare-images/im0001.ppm.gz', gzipSync(ppm))
    folder.text('stare-images/im0002.ppm.gz', gzipSync(ppm))
    folder.text(
      'labels-ah/im0001.ah.ppm.gz',
      gzipSync(Buffer.concat([Buffer.from('P5 3 1 255\n'), Buffer.from([0, 255, 0])])),
    )
    folder.text(
      'labels-vk/im0001.vk.ppm.gz',
      gzipSync(Buffer.concat([Buffer.from('P5 3 1 255\n'), Buffer.from([255, 255, 0])])),
    )
    const dataset = await open()
    expect(dataset.cases.map(({ name }) => name)).toEqual(['im0001'])
    expect(dataset.raters).toEqual(['ah', 'vk'])
    expect([...(await readCaseImage(dataset.cases[0]!)).data]).toEqual([1, 4, 7, 2, 5, 8, 3, 6, 9])
    expect(await labelsOf(dataset, 'im0001')).toEqual([0, 1, 0, 1, 1, 0])
  })

  it('GlaS and CRAG: a number for each gland', async () => {
    for (const name of ['train_1', 'train_2', 'testA_1', 'testB_1']) {
      await image(`${name}.png`)
      await mask(`${name}_anno.png`, [0, 1, 17])
    }
    const glas = await open()
    expect(names(glas)).toEqual({ train: ['train_2'], val: ['train_1'], test: ['testA_1', 'testB_1'] })
    expect(await labelsOf(glas, 'testA_1')).toEqual([0, 1, 1])
    folder.remove()
    folder = new Folder()
    for (const [part, name] of [
      ['train', 'train_1'],
      ['train', 'train_2'],
      ['valid', 'test_1'],
    ]) {
      await image(`${part}/Images/${name}.png`)
      await mask(`${part}/Annotation/${name}.png`, [2, 0, 3])
    }
    const crag = await open()
    expect(names(crag)).toEqual({ train: ['train/train_2'], val: ['train/train_1'], test: ['valid/test_1'] })
    expect(await labelsOf(crag, 'valid/test_1')).toEqual([1, 0, 1])
  })

  it('Data Science Bowl 2018: a file for each nucleus', async () => {
    const id = 'ab'.repeat(32)
    await image(`stage1_train/${id}/images/${id}.png`)
    await mask(`stage1_train/${id}/masks/n1.png`, [255, 0, 0])
    await mask(`stage1_train/${id}/masks/n2.png`, [0, 0, 255])
    const dataset = await open()
    expect(dataset.description.name).toBe('Data Science Bowl 2018')
    expect(await labelsOf(dataset, id)).toEqual([1, 0, 1])
    const { readSource } = await import('../sources.js')
    expect([...(await readSource(dataset.cases[0]!.masks[0]!)).data]).toEqual([1, 0, 2])
  })

  it('MoNuSeg: polygons in XML, patients by TCGA name', async () => {
    const region = (points: readonly (readonly [number, number])[]) =>
      `<Region Id="1"><Vertices>${points.map(([x, y]) => `<Vertex X="${x}" Y="${y}" Z="0"/>`).join('')}</Vertices></Region>`
    const train = 'MoNuSeg 2018 Training Data'
    await folder.picture(`${train}/Tissue Images/TCGA-18-5592-01Z-00-DX1.png`, [4, 5], new Array(20).fill(9))
    // A square whose corners are the centres of pixels (1, 1) and (3, 3), and one half outside the image.
    const regions = [
      region([[1, 1], [3, 1], [3, 3], [1, 3]]), // biome-ignore format: a square on one line
      region([[3.5, -1], [6, -1], [6, 0.5], [3.5, 0.5]]), // biome-ignore format: a square on one line
    ]
    folder.text(
      `${train}/Annotations/TCGA-18-5592-01Z-00-DX1.xml`,
      `<?xml version="1.0"?><Annotations MicronsPerPixel="0.25"><Annotation Id="1"><Regions>${regions.join('')}</Regions></Annotation></Annotations>`,
    )
    const dataset = await open()
    expect(dataset.cases[0]!.patient).toBe('TCGA-18-5592')
    // biome-ignore format: rows of the picture
    expect(await labelsOf(dataset, 'TCGA-18-5592-01Z-00-DX1')).toEqual([
      0, 0, 0, 0, 1,
      0, 1, 1, 1, 0,
      0, 1, 1, 1, 0,
      0, 1, 1, 1, 0,
    ])
  })

  it('ISIC: parts by folder, lesions above half, superpixels left out', async () => {
    for (const [part, id] of [
      ['Training', 'ISIC_0000000'],
      ['Validation', 'ISIC_0001769'],
      ['Test_v2', 'ISIC_0012086'],
    ]) {
      await image(`ISIC-2017_${part}_Data/${id}.jpg`, `ISIC-2017_${part}_Data/${id}_superpixels.png`)
      await mask(`ISIC-2017_${part}_Part1_GroundTruth/${id}_segmentation.png`)
    }
    const dataset = await open()
    expect(names(dataset)).toEqual({ train: ['ISIC_0000000'], val: ['ISIC_0001769'], test: ['ISIC_0012086'] })
    expect(await labelsOf(dataset, 'ISIC_0012086')).toEqual([0, 1, 0])
  })

  it('LIDC-IDRI crops: four readers, the split of the folders', async () => {
    for (const [part, patient] of [
      ['train', 'LIDC-IDRI-0001'],
      ['val', 'LIDC-IDRI-0002'],
      ['test', 'LIDC-IDRI-0003'],
    ]) {
      await image(`${part}/images/${patient}/z-105.0_c0.png`)
      for (let r = 0; r < 4; r++)
        await mask(`${part}/gt/${patient}/z-105.0_c0_l${r}.png`, [r === 1 ? 255 : 0, 0, 0])
    }
    const dataset = await open()
    expect(dataset).toMatchObject({
      name: 'LIDC-IDRI crops',
      classes: ['nodule'],
      raters: ['0', '1', '2', '3'],
    })
    expect(dataset.splits).toMatchObject({
      train: ['LIDC-IDRI-0001'],
      val: ['LIDC-IDRI-0002'],
      test: ['LIDC-IDRI-0003'],
    })
  })
})

describe('volumes', () => {
  it('BraTS 2021: four sequences, label 4, regions on request', async () => {
    const id = 'BraTS2021_00000'
    for (const [k, sequence] of ['t1', 't1ce', 't2', 'flair'].entries()) {
      await nifti(
        `${id}/${id}_${sequence}.nii.gz`,
        Array.from({ length: 8 }, (_, i) => 10 * k + i),
        [1, 2, 2, 2],
      )
    }
    await nifti(`${id}/${id}_seg.nii.gz`, [0, 1, 2, 4, 0, 0, 0, 0], [1, 2, 2, 2])
    const dataset = await open()
    expect(dataset).toMatchObject({
      channelNames: ['T1', 'T1ce', 'T2', 'FLAIR'],
      imageChannels: 4,
      dimensions: 3,
    })
    expect([...(await readCaseImage(dataset.cases[0]!)).data.subarray(8, 10)]).toEqual([10, 11])
    expect(await labelsOf(dataset, id)).toEqual([0, 1, 2, 3, 0, 0, 0, 0])
    const regions = await open('brats2021:regions')
    expect(regions.classes).toEqual(['whole tumour', 'tumour core', 'enhancing tumour'])
    expect(regions.regions).toEqual([[1, 2, 3], [1, 3], [3]])
  })

  it('COVID-19 CT: infection, or lungs and infection', async () => {
    for (const name of ['coronacases_001', 'radiopaedia_10_85902_1', 'radiopaedia_10_85902_3']) {
      await nifti(`COVID-19-CT-Seg_20cases/${name}.nii.gz`, [0, 1, 2, 3, 4, 5, 6, 7], [1, 2, 2, 2])
      await nifti(`Infection_Mask/${name}.nii.gz`, [0, 1, 0, 0, 0, 0, 0, 0], [1, 2, 2, 2])
      await nifti(`Lung_and_Infection_Mask/${name}.nii.gz`, [1, 3, 2, 0, 0, 0, 0, 0], [1, 2, 2, 2])
    }
    const dataset = await open()
    expect(dataset.cases.map(({ patient }) => patient)).toEqual([
      'coronacases_001',
      'radiopaedia_10_85902',
      'radiopaedia_10_85902',
    ])
    expect(dataset.classes).toEqual(['infection'])
    expect(await labelsOf(await open('covid19-ct:lungs'), 'coronacases_001')).toEqual([
      1, 3, 2, 0, 0, 0, 0, 0,
    ])
  })

  it('QUBIQ: one slice, a file a rater; a task must be named where there are several', async () => {
    for (const [part, name] of [
      ['training_data_v2/kidney/Training', 'case01'],
      ['validation_data_v2/kidney/Validation', 'case21'],
    ]) {
      await nifti(`${part}/${name}/image.nii.gz`, [5, 6, 7])
      for (let r = 1; r <= 3; r++)
        await nifti(`${part}/${name}/task01_seg0${r}.nii.gz`, [r > 1 ? 1 : 0, 0, 1])
    }
    const dataset = await open()
    expect(dataset).toMatchObject({
      raters: ['seg01', 'seg02', 'seg03'],
      dimensions: 2,
      commonSize: [1, 3],
      classes: ['kidney'],
    })
    expect(names(dataset)).toMatchObject({ test: ['case21'] })
    expect(await labelsOf(dataset, 'case01')).toEqual([0, 0, 1, 1, 0, 1, 1, 0, 1])
    await nifti('training_data_v2/prostate/Training/case02/image.nii.gz', [5, 6, 7])
    await nifti('training_data_v2/prostate/Training/case02/task01_seg01.nii.gz', [0, 0, 1])
    await nifti('training_data_v2/prostate/Training/case02/task02_seg01.nii.gz', [0, 1, 1])
    expect((await problemOf(open())).toLine()).toMatch(
      /holds 3 tasks.*qubiq:kidney\/task01.*qubiq:prostate\/task02/,
    )
    expect(await labelsOf(await open('qubiq:prostate/task02'), 'case02')).toEqual([0, 1, 1])
  })

  it("ACDC: SSL4MIS's volumes and slices, its split and its labelled patients", async () => {
    for (const patient of ['001', '002', '003', '099']) {
      await hdf5(`data/patient${patient}_frame01.h5`, [2, 1, 2], [0.1, 0.2, 0.3, 0.4], [0, 1, 2, 3])
      await hdf5(`data/slices/patient${patient}_frame01_slice_1.h5`, [1, 2], [0.1, 0.2], [0, 1])
    }
    const volumes = await open('acdc:labelled1')
    expect(volumes.dimensions).toBe(3)
    expect(names(volumes)).toEqual({
      train: ['patient003_frame01', 'patient099_frame01'],
      val: ['patient002_frame01'],
      test: ['patient001_frame01'],
    })
    expect(volumes.splits!.labelled).toEqual(['patient099'])
    expect(await labelsOf(volumes, 'patient001_frame01')).toEqual([0, 1, 2, 3])
    const slices = await open('acdc:slices')
    expect(slices.dimensions).toBe(2)
    expect(names(slices).train).toEqual(['patient003_frame01_slice_1', 'patient099_frame01_slice_1'])
    expect(names(slices).test).toEqual(['patient001_frame01'])
  })

  it("ACDC: the challenge's own NIfTI files", async () => {
    await nifti('training/patient003/patient003_frame01.nii.gz', [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2])
    await nifti('training/patient003/patient003_frame01_gt.nii.gz', [0, 1, 2, 3, 0, 0, 0, 0], [1, 2, 2, 2])
    await nifti('training/patient003/patient003_4d.nii.gz', [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2])
    const dataset = await open()
    expect(dataset.cases.map(({ name, patient }) => [name, patient])).toEqual([
      ['patient003_frame01', 'patient003'],
    ])
  })

  it('left atrium: 80/20, labelled patients stay in training', async () => {
    const train = ['06SR5RBREL16DQ6M8LWS', '0RZDK210BSMWAA6467LU', '1D7CUD1955YZPGK8XHJX']
    for (const id of [...train, 'ZQPMJ4XEC5A4BISD45P1']) {
      await hdf5(`2018LA_Seg_Training Set/${id}/mri_norm2.h5`, [2, 2, 1], [0.1, 0.2, 0.3, 0.4], [0, 1, 1, 0])
    }
    const dataset = await open('la:labelled4')
    expect(names(dataset)).toEqual({ train, val: [], test: ['ZQPMJ4XEC5A4BISD45P1'] })
    expect(dataset.splits!.labelled).toEqual(train)
    expect(await labelsOf(dataset, train[0]!)).toEqual([0, 1, 1, 0])
  })

  it('Synapse: slices as npz train, volumes as HDF5 test', async () => {
    await npz('train_npz/case0005_slice000.npz', [0.5, 0.25], [0, 8])
    await npz('train_npz/case0006_slice000.npz', [0.5, 0.25], [1, 0])
    await hdf5('test_vol_h5/case0001.npy.h5', [2, 1, 2], [0.1, 0.2, 0.3, 0.4], [0, 5, 6, 7])
    const dataset = await open()
    expect(dataset).toMatchObject({ dimensions: 2, commonSize: undefined })
    expect(names(dataset)).toEqual({
      train: ['case0006_slice000'],
      val: ['case0005_slice000'],
      test: ['case0001'],
    })
    expect(await labelsOf(dataset, 'case0005_slice000')).toEqual([0, 8])
    expect(await labelsOf(dataset, 'case0001')).toEqual([0, 5, 6, 7])
    expect((await open('synapse:volumes')).dimensions).toBe(3)
  })

  it("Synapse: the challenge's NIfTI files with 13 organs; DHC's division and labelled scans", async () => {
    for (const number of ['0001', '0009', '0010', '0027']) {
      await nifti(`RawData/Training/img/img${number}.nii.gz`, [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2])
      await nifti(`RawData/Training/label/label${number}.nii.gz`, [0, 1, 13, 11, 0, 0, 0, 0], [1, 2, 2, 2])
    }
    const dataset = await open()
    expect(dataset.classes).toHaveLength(13)
    expect([dataset.classes[10], dataset.classes[12]]).toEqual(['pancreas', 'left adrenal gland'])
    expect(await labelsOf(dataset, 'case0009')).toEqual([0, 1, 13, 11, 0, 0, 0, 0])
    expect(names(dataset)).toEqual({
      train: ['case0009', 'case0010', 'case0027'],
      val: [],
      test: ['case0001'],
    })
    const dhc = await open('synapse:dhc-labelled4')
    expect(names(dhc)).toEqual({ train: ['case0009', 'case0010'], val: ['case0001'], test: ['case0027'] })
    expect(dhc.splits!.labelled).toEqual(['case0009'])
  })

  it("Synapse: DHC's lists divide the 30 scans, and its arrays are read", async () => {
    const write = async (name: string, data: Float32Array | Int8Array) => {
      mkdirSync(join(folder.dir, 'npy'), { recursive: true })
      await writeNpy(join(folder.dir, 'npy', name), { data, shape: [1, 2, 1, 2], maxValue: 1 })
    }
    const all = Array.from({ length: 40 }, (_, i) => i + 1).filter((number) => number <= 10 || number > 20)
    for (const number of all) {
      const id = `${number}`.padStart(4, '0')
      await write(`${id}_image.npy`, Float32Array.of(0.5, 1, 2, number))
      await write(`${id}_label.npy`, Int8Array.of(0, 13, 5, 0))
    }
    const { splits, ...dataset } = await open('synapse:dhc-labelled4')
    expect([splits!.train, splits!.val, splits!.test].map((part) => part.length)).toEqual([20, 4, 6])
    expect(new Set([splits!.train, splits!.val, splits!.test].flat()).size).toBe(30)
    // The test scans that the publication's repository lists.
    expect(splits!.test).toEqual(['0008', '0027', '0029', '0033', '0037', '0039'].map((id) => `case${id}`))
    expect(splits!.labelled).toHaveLength(4)
    expect(dataset.dimensions).toBe(3)
    expect(await labelsOf(dataset as FolderDataset, 'case0040')).toEqual([0, 13, 5, 0])
  })

  it('COVID-19 CT: the 100 slices, each a channel-first plane of one volume', async () => {
    await nifti('tr_im.nii.gz', [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 2, 2])
    await nifti('tr_mask.nii.gz', [0, 1, 2, 3, 0, 0, 0, 0], [1, 2, 2, 2])
    const slices = await open('covid19-ct:slices')
    expect(slices.classes).toEqual(['ground glass', 'consolidation', 'pleural effusion'])
    expect(await labelsOf(slices, slices.cases[0]!.name)).toEqual([0, 1, 2, 3, 0, 0, 0, 0])
  })
})

async function npz(name: string, values: readonly number[], labels: readonly number[]) {
  const { zipSync } = await import('fflate')
  const { readFileSync } = await import('node:fs')
  const array = async (data: Float32Array | Uint8Array) => {
    const file = join(folder.dir, 'part.npy')
    await writeNpy(file, { data, shape: [1, 1, data.length], maxValue: 1 })
    return new Uint8Array(readFileSync(file))
  }
  const parts = {
    'image.npy': await array(Float32Array.from(values)),
    'label.npy': await array(Uint8Array.from(labels)),
  }
  folder.text(name, zipSync(parts))
}

it('tells the data sets apart', async () => {
  await image('images/a.png')
  expect(await detectAdapter(folder.dir)).toBeUndefined()
})
