import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import { alphabetical, type Splits } from '../splits.js'
import { defineAdapter, firstOf, holds, withValidation } from './adapter.js'

const pad = (numbers: readonly number[]) => numbers.map((number) => `case${`${number}`.padStart(4, '0')}`)
// The 18 training and 12 test scans of TransUNet.
const TRAIN = pad([5, 6, 7, 9, 10, 21, 23, 24, 26, 27, 28, 30, 31, 33, 34, 37, 39, 40])
const TEST = pad([1, 2, 3, 4, 8, 22, 25, 29, 32, 35, 36, 38])

/**
 * The semi-supervised division of DHC: its repository keeps the test scans; training, validation and labelled scans are
 * listed by GenericSSL of the same authors, whose test scans are the same.
 */
const DHC: Splits = {
  scheme: 'DHC 20/4/6',
  train: pad([2, 3, 4, 5, 6, 9, 10, 21, 22, 24, 25, 26, 28, 31, 32, 34, 35, 36, 38, 40]),
  val: pad([1, 7, 23, 30]),
  test: pad([8, 27, 29, 33, 37, 39]),
}
const DHC_LABELLED = pad([9, 21, 25, 34])

/** As TransUNet numbers them. */
const EIGHT = [
  'aorta',
  'gallbladder',
  'left kidney',
  'right kidney',
  'liver',
  'pancreas',
  'spleen',
  'stomach',
]
/** As the challenge numbers them. */
const THIRTEEN = [
  'spleen',
  'right kidney',
  'left kidney',
  'gallbladder',
  'oesophagus',
  'liver',
  'stomach',
  'aorta',
  'inferior vena cava',
  'portal and splenic veins',
  'pancreas',
  'right adrenal gland',
  'left adrenal gland',
]

/** Abdominal CT: the challenge's own NIfTI files or DHC's arrays with 13 organs, or TransUNet's files with eight. */
export const synapse = defineAdapter({
  name: 'synapse',
  title: 'Synapse multi-organ CT',
  source: 'synapse.org/Synapse:syn3193805; prepared: github.com/Beckschen/TransUNet, github.com/xmed-lab/DHC',
  licence: 'by registration, for research',
  citation:
    'B. Landman et al., MICCAI multi-atlas labeling beyond the cranial vault, 2015; J. Chen et al., TransUNet, arXiv 2102.04306; H. Wang and X. Li, DHC, MICCAI 2023',
  split: '18 scans train (2,211 slices; every tenth scan validates), 12 test; dhc: 20 / 4 / 6 scans',
  variants: {
    slices: 'the training slices alone',
    volumes: 'the test volumes alone',
    dhc: 'the division of DHC for semi-supervised training; of volumes with 13 organs',
    'dhc-labelled4': 'labelled: scans 0009, 0021, 0025, 0034 ("20 %")',
  },
  recognises: async (dir) =>
    holds(dir, 'train_npz') ||
    holds(dir, 'test_vol_h5') ||
    rawFolder(dir) !== undefined ||
    (await arraysIn(dir)).length > 0,
  async read(dir, variant) {
    const prepared = await preparedCases(dir, variant)
    const cases = prepared.length > 0 ? prepared : [...(await rawCases(dir)), ...(await arraysIn(dir))]
    const splits = variant?.startsWith('dhc')
      ? dhcSplits(variant)
      : variant === undefined
        ? withValidation('TransUNet 18/12', TRAIN, TEST)
        : undefined
    return {
      cases,
      known: { classes: prepared.length > 0 ? EIGHT : THIRTEEN, channels: ['CT'] },
      ...(splits ? { splits } : {}),
    }
  },
})

const dhcSplits = (variant: string): Splits =>
  variant === 'dhc' ? DHC : { ...DHC, scheme: `${DHC.scheme}, 4 labelled`, labelled: DHC_LABELLED }

async function preparedCases(dir: string, variant: string | undefined): Promise<CaseFiles[]> {
  const cases: CaseFiles[] = []
  if (variant !== 'volumes' && holds(dir, 'train_npz')) cases.push(...(await casesIn(join(dir, 'train_npz'))))
  if (variant !== 'slices' && holds(dir, 'test_vol_h5')) {
    cases.push(...(await casesIn(join(dir, 'test_vol_h5'))))
  }
  return cases
}

async function casesIn(folder: string): Promise<CaseFiles[]> {
  return (await namesIn(folder)).flatMap((name): CaseFiles[] => {
    const [, stem, patient] = /^((case\d{4})(?:_slice\d+)?)(?:\.npz|(?:\.npy)?\.h5)$/.exec(name) ?? []
    if (stem === undefined || patient === undefined) return []
    const file = join(folder, name)
    return [
      {
        name: stem,
        images: [{ file, part: 'image' }],
        masks: new Map([['', { file, part: 'label' }]]),
        patient,
      },
    ]
  })
}

/** The folder with `img/` and `label/` of the challenge's training scans. */
const rawFolder = (dir: string): string | undefined =>
  ['RawData/Training', 'Training', '.']
    .map((name) => firstOf(dir, join(name, 'img')) && join(dir, name))
    .find((folder) => folder !== undefined && holds(folder, 'label'))

/** `img/img0001.nii.gz` and `label/label0001.nii.gz`. */
async function rawCases(dir: string): Promise<CaseFiles[]> {
  const folder = rawFolder(dir)
  if (folder === undefined) return []
  const labels = new Set(await namesIn(join(folder, 'label')))
  return (await namesIn(join(folder, 'img'))).flatMap((name): CaseFiles[] => {
    const [, number, ending] = /^img(\d{4})(\.nii(?:\.gz)?)$/.exec(name) ?? []
    if (number === undefined) return []
    const mask = [ending, '.nii.gz', '.nii']
      .map((one) => `label${number}${one}`)
      .find((one) => labels.has(one))
    return [
      {
        name: `case${number}`,
        images: [{ file: join(folder, 'img', name) }],
        masks: new Map(mask === undefined ? [] : [['', { file: join(folder, 'label', mask) }]]),
        patient: `case${number}`,
      },
    ]
  })
}

/** DHC's `npy/0001_image.npy` and `npy/0001_label.npy`. */
async function arraysIn(dir: string): Promise<CaseFiles[]> {
  const folder = firstOf(dir, 'npy') ?? dir
  const names = new Set(await namesIn(folder).catch(() => []))
  return [...names].sort(alphabetical).flatMap((name): CaseFiles[] => {
    const [, number] = /^(\d{4})_image\.npy$/.exec(name) ?? []
    if (number === undefined || !names.has(`${number}_label.npy`)) return []
    return [
      {
        name: `case${number}`,
        images: [{ file: join(folder, name) }],
        masks: new Map([['', { file: join(folder, `${number}_label.npy`) }]]),
        patient: `case${number}`,
      },
    ]
  })
}
