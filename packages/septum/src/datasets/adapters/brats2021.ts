import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import { defineAdapter } from './adapter.js'

const CASE = /^BraTS2021_\d{5}$/
const SEQUENCES = ['t1', 't1ce', 't2', 'flair']

/** Gliomas in four MR sequences, task 1 of the RSNA-ASNR-MICCAI challenge. */
export const brats2021 = defineAdapter({
  name: 'brats2021',
  title: 'BraTS 2021',
  source: 'synapse.org/brats2021',
  licence: 'CC BY 4.0 (TCIA)',
  citation:
    'U. Baid et al., The RSNA-ASNR-MICCAI BraTS 2021 benchmark on brain tumor segmentation and radiogenomic classification, arXiv 2107.02314',
  split: 'the masks of the challenge test are withheld: drawn by patient',
  variants: {
    regions: 'whole tumour, tumour core and enhancing tumour, which overlap, as the challenge scores them',
  },
  recognises: async (dir) => (await namesIn(dir)).some((name) => CASE.test(name)),
  async read(dir, variant) {
    const cases: CaseFiles[] = []
    for (const name of (await namesIn(dir)).filter((one) => CASE.test(one))) {
      const names = new Set(await namesIn(join(dir, name)))
      const file = (what: string) => {
        const packed = `${name}_${what}.nii.gz`
        return join(dir, name, names.has(packed) ? packed : `${name}_${what}.nii`)
      }
      const masked = names.has(`${name}_seg.nii.gz`) || names.has(`${name}_seg.nii`)
      cases.push({
        name,
        images: SEQUENCES.map((what) => ({ file: file(what) })),
        masks: new Map(masked ? [['', { file: file('seg') }]] : []),
        ...(masked ? {} : { unlabelled: true }),
      })
    }
    const classes =
      variant === 'regions'
        ? [
            { name: 'whole tumour', region: [1, 2, 4] },
            { name: 'tumour core', region: [1, 4] },
            { name: 'enhancing tumour', region: [4] },
          ]
        : [
            { name: 'necrotic core', value: 1 },
            { name: 'oedema', value: 2 },
            { name: 'enhancing tumour', value: 4 },
          ]
    return { cases, known: { classes, channels: ['T1', 'T1ce', 'T2', 'FLAIR'] } }
  },
})
