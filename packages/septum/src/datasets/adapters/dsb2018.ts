import { join } from 'node:path'
import { listFolder, namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import { defineAdapter, firstOf, holds } from './adapter.js'

/** Nuclei of the Data Science Bowl 2018: a folder for each image, a mask file for each nucleus. */
export const dsb2018 = defineAdapter({
  name: 'dsb2018',
  title: 'Data Science Bowl 2018',
  source: 'bbbc.broadinstitute.org/BBBC038 (stage1_train)',
  licence: 'CC0 1.0',
  citation:
    'J. C. Caicedo et al., Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl, Nature Methods 16 (2019) 1247-1253',
  split: 'drawn by image; tiles of one slide are not marked in the source and may fall on both sides',
  async recognises(dir) {
    const folder = firstOf(dir, 'stage1_train') ?? dir
    const [first] = (await namesIn(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name))
    return first !== undefined && holds(join(folder, first), 'images', 'masks')
  },
  async read(dir, _, problems) {
    const folder = firstOf(dir, 'stage1_train') ?? dir
    const cases: CaseFiles[] = []
    for (const name of (await namesIn(folder)).filter((one) => /^[0-9a-f]{64}$/.test(one))) {
      const image = [...(await listFolder(join(folder, name, 'images'), problems)).pictures.values()][0]
      if (image === undefined) continue
      const nuclei = [...(await listFolder(join(folder, name, 'masks'), problems)).pictures.values()]
      const [file, ...more] = nuclei
      cases.push({
        name,
        images: [{ file: image }],
        masks: new Map(file === undefined ? [] : [['', { file, more, reader: 'instances' }]]),
      })
    }
    return { cases, known: { classes: ['nucleus'], masks: 'instances' } }
  },
})
