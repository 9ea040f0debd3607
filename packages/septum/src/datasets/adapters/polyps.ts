import { basename, join } from 'node:path'
import { SeptumError } from '@septum/core'
import type { CaseFiles } from '../layout.js'
import type { SplitName } from '../splits.js'
import { defineAdapter, firstOf, holds, pairFolders } from './adapter.js'

/** Folders of the test sets and how many images each has. */
const TESTS: Readonly<Record<string, string>> = {
  Kvasir: '100 images of Kvasir-SEG',
  'CVC-ClinicDB': '62 images of CVC-ClinicDB',
  'CVC-ColonDB': '380 images, none of them in training',
  'ETIS-LaribPolypDB': '196 images, none of them in training',
  'CVC-300': '60 images of EndoScene, none of them in training',
}

/** Five colonoscopy sets in the division that PraNet fixed. */
export const polyps = defineAdapter({
  name: 'polyps',
  title: "Polyps, PraNet's split",
  source: 'github.com/DengPingFan/PraNet (TrainDataset, TestDataset)',
  licence: 'each set its own, all for research and education; Kvasir-SEG and CVC sets: cite their papers',
  citation:
    'D.-P. Fan et al., PraNet, MICCAI 2020; D. Jha et al., Kvasir-SEG, MMM 2020; J. Bernal et al., CVC-ClinicDB, 2015; N. Tajbakhsh et al., CVC-ColonDB, 2015; J. Silva et al., ETIS, 2014; D. Vazquez et al., EndoScene, 2017',
  split:
    'TrainDataset (900 Kvasir-SEG + 550 CVC-ClinicDB) trains, TestDataset tests; every tenth training image validates',
  variants: TESTS,
  recognises: (dir) => holds(dir, 'TrainDataset') || holds(dir, 'TestDataset'),
  async read(dir, variant, problems) {
    const cases: CaseFiles[] = []
    const orphans: string[] = []
    const add = async (folder: string, split: SplitName) => {
      const images = firstOf(folder, 'image', 'images')
      const masks = firstOf(folder, 'mask', 'masks')
      if (!images || !masks) {
        throw new SeptumError(
          'dataset-layout',
          'A polyp set has no images or no masks',
          'Keep images/ and masks/ in each set.',
          {
            file: folder,
          },
        )
      }
      // Frame numbers repeat from set to set.
      const found = await pairFolders(images, masks, problems, {
        more: (stem) => ({ name: `${basename(folder)}/${stem}`, split, stratum: basename(folder) }),
      })
      cases.push(...found.cases)
      orphans.push(...found.orphans)
    }
    if (holds(dir, 'TrainDataset')) await add(join(dir, 'TrainDataset'), 'train')
    for (const name of variant === undefined ? Object.keys(TESTS) : [variant]) {
      const folder = join(dir, 'TestDataset', name)
      if (variant !== undefined || holds(dir, join('TestDataset', name))) await add(folder, 'test')
    }
    return { cases, orphans, known: { classes: ['polyp'], masks: 'half' } }
  },
})
