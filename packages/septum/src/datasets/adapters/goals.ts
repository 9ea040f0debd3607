import { join } from 'node:path'
import type { CaseFiles } from '../layout.js'
import { defineAdapter, firstOf, pairFolders } from './adapter.js'

/** Folders of the parts, as the challenge and its copies name them. */
const TRAIN = ['Train', 'GOALS2022-Train/Train', 'GOALS2022-Train']
const OTHER = ['Validation', 'GOALS2022-Validation', 'Test', 'GOALS2022-Test']

/** Three layers of the retina in OCT, GOALS challenge of MICCAI 2022. */
export const goals = defineAdapter({
  name: 'goals',
  title: 'GOALS OCT',
  source: 'ichallenges.grand-challenge.org/GOALS',
  licence: 'for research, as the challenge says',
  citation: 'H. Fang et al., Dataset and evaluation algorithm design for GOALS challenge, OMIA 2022',
  split:
    'the masks of the 200 challenge images are withheld: the 100 training images are drawn from by image',
  recognises: (dir) => TRAIN.some((part) => firstOf(join(dir, part), 'Layer_Masks') !== undefined),
  async read(dir, _, problems) {
    const train = TRAIN.map((part) => join(dir, part)).find((part) => firstOf(part, 'Layer_Masks'))!
    const found = await pairFolders(join(train, 'Image'), join(train, 'Layer_Masks'), problems)
    const cases: CaseFiles[] = [...found.cases]
    for (const part of OTHER) {
      const images = firstOf(join(dir, part), 'Image')
      if (!images) continue
      const more = (stem: string) => ({ name: `${part}/${stem}` })
      cases.push(...(await pairFolders(images, undefined, problems, { more })).cases)
    }
    const classes = [
      { name: 'retinal nerve fibre layer', value: 0 },
      { name: 'ganglion cell and inner plexiform layer', value: 80 },
      { name: 'choroid', value: 160 },
    ]
    return { cases, orphans: found.orphans, known: { classes, background: 255 } }
  },
})
