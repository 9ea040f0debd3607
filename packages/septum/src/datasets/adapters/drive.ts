import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import { defineAdapter, holds } from './adapter.js'

/** Retinal vessels; the first observer is the reference, the second saw the test images only. */
export const drive = defineAdapter({
  name: 'drive',
  title: 'DRIVE',
  source: 'drive.grand-challenge.org',
  licence: 'for research and education, as the challenge says',
  citation:
    'J. Staal et al., Ridge-based vessel segmentation in color images of the retina, IEEE TMI 23 (2004) 501-509',
  split: 'training (20 images) trains, every tenth of them validates, test (20) tests',
  variants: { second: 'the second observer on the 20 test images, beside the first' },
  recognises: (dir) => holds(dir, join('training', '1st_manual')) || holds(dir, join('test', '1st_manual')),
  async read(dir, variant) {
    const cases: CaseFiles[] = []
    const parts = variant === 'second' ? (['test'] as const) : (['training', 'test'] as const)
    for (const part of parts.filter((name) => holds(dir, join(name, 'images')))) {
      for (const name of await namesIn(join(dir, part, 'images'))) {
        const [, number] = /^(\d+)_(training|test)\.tiff?$/i.exec(name) ?? []
        if (number === undefined) continue
        const manual = async (observer: '1' | '2'): Promise<ImageSource | undefined> => {
          const folder = join(dir, part, observer === '1' ? '1st_manual' : '2nd_manual')
          const file = (await namesIn(folder).catch(() => [])).find((one) =>
            new RegExp(`^${number}_manual${observer}\\.(gif|png|tiff?)$`, 'i').test(one),
          )
          if (file === undefined) return undefined
          return /\.gif$/i.test(file)
            ? { file: join(folder, file), reader: 'gif' }
            : { file: join(folder, file) }
        }
        const [first, second] = [await manual('1'), variant === 'second' ? await manual('2') : undefined]
        const masks: [string, ImageSource][] = []
        if (first) masks.push([variant === 'second' ? 'first' : '', first])
        if (second) masks.push(['second', second])
        cases.push({
          name: number,
          images: [{ file: join(dir, part, 'images', name) }],
          masks: new Map(masks),
          split: part === 'training' ? 'train' : 'test',
          ...(first ? {} : { unlabelled: true }),
        })
      }
    }
    return { cases, known: { classes: ['vessel'] } }
  },
})
