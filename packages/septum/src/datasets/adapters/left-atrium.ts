import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import { alphabetical } from '../splits.js'
import { defineAdapter, firstOf, holds, withValidation } from './adapter.js'

// test.list of UA-MT; the other 80 train, in alphabetical order, and the first of them are the labelled ones.
const TEST = [
  'ULHWPWKKLTE921LQLH1P',
  'UPT6DX9IQY9JAZ7HJKA7',
  'UTBUJIWZMKP64E3N73YC',
  'V0MZOWJ6MU3RMRCV9EXR',
  'VDOF02M8ZHEAADFMS6NP',
  'VG4C826RAAKVMV9BQLVD',
  'VIXBEFTNVHZWKAKURJBN',
  'VQ2L3WM8KEVF6L44E6G9',
  'WBG9WYZ1B25WDT5WAT8T',
  'WMDG2EFA6L2SNDZXIRU0',
  'WNPKE0W404QE9AELX1LR',
  'WSJB9P4JCXUVHBOYFVWL',
  'WW8F5CO4S4K5IM5Z7EXX',
  'X18LU5AOBNNDMLTA0JZL',
  'XYDLYJ5CS19FDBVLJIPI',
  'Y7ZU0B2APPF54WG6PDMF',
  'YDKD1HVHSME6NVMA8I39',
  'Z9GMG63CJLL0VW893BB1',
  'ZIJLJAVQV3FJ6JSQOH1E',
  'ZQPMJ4XEC5A4BISD45P1',
]
const MOST_LABELLED = 16
const FILE = 'mri_norm2.h5'

/** Left atrium in gadolinium-enhanced MRI, cropped and normalised as the semi-supervised publications use it. */
export const leftAtrium = defineAdapter({
  name: 'la',
  title: 'Left atrium 2018',
  source: 'atriaseg2018.cardiacatlas.org; HDF5: github.com/yulequan/UA-MT',
  licence: 'for research, as the challenge says',
  citation:
    'Z. Xiong et al., A global benchmark of algorithms for segmenting the left atrium, Medical Image Analysis 67 (2021) 101832; L. Yu et al., UA-MT, MICCAI 2019',
  split:
    '80 / 20 as in UA-MT; every tenth training patient that is never labelled validates; labelled4, labelled8 and labelled16 mark the first patients of the list',
  variants: { labelled4: '"5 %"', labelled8: '"10 %"', labelled16: '"20 %"' },
  recognises: async (dir) => (await patientsIn(dir)).names.length > 0,
  async read(dir, variant) {
    const { folder, names } = await patientsIn(dir)
    const cases = names.map((name): CaseFiles => {
      const file = join(folder, name, FILE)
      return { name, images: [{ file, part: 'image' }], masks: new Map([['', { file, part: 'label' }]]) }
    })
    const train = names.filter((name) => !TEST.includes(name)).sort(alphabetical)
    const labelled = Number(/\d+/.exec(variant ?? '')?.[0] ?? 0)
    const splits = withValidation('UA-MT 80/20', train, TEST, train.slice(0, MOST_LABELLED))
    return {
      cases,
      known: { classes: ['left atrium'], channels: ['MRI'] },
      splits:
        labelled === 0
          ? splits
          : {
              ...splits,
              scheme: `${splits.scheme}, ${labelled} labelled`,
              labelled: train.slice(0, labelled),
            },
    }
  },
})

async function patientsIn(dir: string): Promise<{ folder: string; names: string[] }> {
  const folder = firstOf(dir, '2018LA_Seg_Training Set') ?? dir
  const names = (await namesIn(folder).catch(() => [])).filter((name) => /^[0-9A-Z]{20}$/.test(name))
  return { folder, names: names.filter((name) => holds(join(folder, name), FILE)) }
}
