import { join } from 'node:path'
import type { CaseFiles } from '../layout.js'
import { defineAdapter, firstOf, holds, pairFolders } from './adapter.js'

/** Glands in stained colorectal tissue; a number for each gland. */
export const crag = defineAdapter({
  name: 'crag',
  title: 'CRAG',
  source: 'warwick.ac.uk/fac/cross_fac/tia/data/mildnet',
  licence: 'for research, as the authors say',
  citation: 'S. Graham et al., MILD-Net, Medical Image Analysis 52 (2019) 199-211',
  split: 'train (173 images; every tenth validates), valid (40) tests',
  recognises: (dir) => holds(dir, join('train', 'Annotation'), join('train', 'Images')),
  async read(dir, _, problems) {
    const cases: CaseFiles[] = []
    const orphans: string[] = []
    for (const [part, split] of [
      ['train', 'train'],
      ['valid', 'test'],
    ] as const) {
      const images = firstOf(join(dir, part), 'Images')
      if (!images) continue
      const found = await pairFolders(images, join(dir, part, 'Annotation'), problems, {
        more: (stem) => ({ split, name: `${part}/${stem}` }),
      })
      cases.push(...found.cases)
      orphans.push(...found.orphans)
    }
    return { cases, orphans, known: { classes: ['gland'], masks: 'instances' } }
  },
})
