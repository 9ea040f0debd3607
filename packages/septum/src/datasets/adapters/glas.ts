import { listFolder } from '../files.js'
import type { CaseFiles } from '../layout.js'
import { defineAdapter, withValidation } from './adapter.js'

const IMAGE = /^(train|testA|testB)_\d+$/

/** Glands in stained colon tissue, MICCAI 2015; a number for each gland. */
export const glas = defineAdapter({
  name: 'glas',
  title: 'GlaS',
  source: 'warwick.ac.uk/fac/cross_fac/tia/data/glascontest (Warwick_QU_Dataset)',
  licence: 'for research, as the challenge says',
  citation:
    'K. Sirinukunwattana et al., Gland segmentation in colon histology images: the GlaS challenge contest, Medical Image Analysis 35 (2017) 489-502',
  split: 'train (85 images; every tenth validates), testA (60) and testB (20) test',
  async recognises(dir) {
    return (await listQuiet(dir)).has('train_1_anno')
  },
  async read(dir, _, problems) {
    const { pictures } = await listFolder(dir, problems)
    const cases = [...pictures]
      .filter(([stem]) => IMAGE.test(stem))
      .map(([name, file]): CaseFiles => {
        const mask = pictures.get(`${name}_anno`)
        return { name, images: [{ file }], masks: new Map(mask ? [['', { file: mask }]] : []) }
      })
    const names = cases.map(({ name }) => name)
    const train = names.filter((name) => name.startsWith('train'))
    const test = names.filter((name) => name.startsWith('test'))
    const splits = withValidation('GlaS 2015', train, test)
    return { cases, known: { classes: ['gland'], masks: 'instances' }, splits }
  },
})

async function listQuiet(dir: string): Promise<ReadonlyMap<string, string>> {
  const { Problems } = await import('../problems.js')
  return (await listFolder(dir, new Problems()).catch(() => ({ pictures: new Map<string, string>() })))
    .pictures
}
