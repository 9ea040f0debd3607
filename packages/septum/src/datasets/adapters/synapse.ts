import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import { defineAdapter, holds, withValidation } from './adapter.js'

const pad = (numbers: readonly number[]) => numbers.map((number) => `case${`${number}`.padStart(4, '0')}`)
// The 18 training and 12 test scans of TransUNet.
const TRAIN = pad([5, 6, 7, 9, 10, 21, 23, 24, 26, 27, 28, 30, 31, 33, 34, 37, 39, 40])
const TEST = pad([1, 2, 3, 4, 8, 22, 25, 29, 32, 35, 36, 38])

/** Eight abdominal organs in CT as TransUNet prepared them: training slices as npz, test volumes as HDF5. */
export const synapse = defineAdapter({
  name: 'synapse',
  title: 'Synapse multi-organ CT',
  source: 'synapse.org/Synapse:syn3193805; prepared: github.com/Beckschen/TransUNet',
  licence: 'by registration, for research',
  citation:
    'B. Landman et al., MICCAI multi-atlas labeling beyond the cranial vault, 2015; J. Chen et al., TransUNet, arXiv 2102.04306',
  split: '18 scans train (2,211 slices; every tenth scan validates), 12 test',
  variants: { slices: 'the training slices alone', volumes: 'the test volumes alone' },
  recognises: (dir) => holds(dir, 'train_npz') || holds(dir, 'test_vol_h5'),
  async read(dir, variant) {
    const cases: CaseFiles[] = []
    if (variant !== 'volumes' && holds(dir, 'train_npz'))
      cases.push(...(await casesIn(join(dir, 'train_npz'))))
    if (variant !== 'slices' && holds(dir, 'test_vol_h5'))
      cases.push(...(await casesIn(join(dir, 'test_vol_h5'))))
    const classes = [
      'aorta',
      'gallbladder',
      'left kidney',
      'right kidney',
      'liver',
      'pancreas',
      'spleen',
      'stomach',
    ]
    const splits = withValidation('TransUNet 18/12', TRAIN, TEST)
    return { cases, known: { classes, channels: ['CT'] }, ...(variant === undefined ? { splits } : {}) }
  },
})

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
