import { join } from 'node:path'
import type { CaseFiles } from '../layout.js'
import { defineAdapter, firstOf, holds, pairFolders } from './adapter.js'

/** Infected lung in CT: 20 volumes (Zenodo), and the 100 slices of medicalsegmentation.com. */
export const covid19Ct = defineAdapter({
  name: 'covid19-ct',
  title: 'COVID-19 CT',
  source: 'zenodo.org/records/3757476; medicalsegmentation.com/covid19',
  licence: 'CC BY 4.0 (Zenodo volumes)',
  citation:
    'J. Ma et al., Toward data-efficient learning: a benchmark for COVID-19 CT lung and infection segmentation, Medical Physics 48 (2021) 1197-1210',
  split: 'the lists of the 894 and 383 slices used in publications are not public: drawn by patient',
  variants: {
    lungs: 'classes left lung, right lung and infection in place of infection alone',
    slices: 'the 100 slices tr_im, tr_mask: ground glass, consolidation, pleural effusion',
  },
  recognises: (dir) => holds(dir, 'Infection_Mask') || holds(dir, 'tr_im.nii.gz', 'tr_mask.nii.gz'),
  async read(dir, variant, problems) {
    if (variant === 'slices' || !holds(dir, 'Infection_Mask')) {
      const cases: CaseFiles[] = [
        {
          name: 'tr_im',
          images: [{ file: join(dir, 'tr_im.nii.gz') }],
          masks: new Map([['', { file: join(dir, 'tr_mask.nii.gz') }]]),
        },
      ]
      return {
        cases,
        known: { classes: ['ground glass', 'consolidation', 'pleural effusion'], channels: ['CT'] },
      }
    }
    const masks = variant === 'lungs' ? 'Lung_and_Infection_Mask' : 'Infection_Mask'
    const images = firstOf(dir, 'COVID-19-CT-Seg_20cases', 'COVID-19-CT-Seg_20_cases', 'images')
    const pairs = await pairFolders(
      images ?? join(dir, 'COVID-19-CT-Seg_20cases'),
      join(dir, masks),
      problems,
      {
        // radiopaedia_10_85902_1 and _3 are two series of one patient.
        more: (stem) => ({ patient: stem.replace(/^(radiopaedia_\d+_\d+)_\d+$/, '$1') }),
      },
    )
    const classes = variant === 'lungs' ? ['left lung', 'right lung', 'infection'] : ['infection']
    return { ...pairs, known: { classes, channels: ['CT'] } }
  },
})
