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
  variants: {
    second: 'the second observer on the 20 test images, beside the first',
    fov: 'pixels outside of the published field of view count nowhere',
    'second-fov': 'both',
  },
  recognises: (dir) => holds(dir, join('training', '1st_manual')) || holds(dir, join('test', '1st_manual')),
  async read(dir, variant = '') {
    const cases: CaseFiles[] = []
    const [both, bounded] = [variant.startsWith('second'), variant.endsWith('fov')]
    const parts = both ? (['test'] as const) : (['training', 'test'] as const)
    for (const part of parts.filter((name) => holds(dir, join(name, 'images')))) {
      for (const name of await namesIn(join(dir, part, 'images'))) {
        const [, number] = /^(\d+)_(training|test)\.tiff?$/i.exec(name) ?? []
        if (number === undefined) continue
        const manual = async (observer: '1' | '2'): Promise<ImageSource | undefined> => {
          const folder = join(dir, part, observer === '1' ? '1st_manual' : '2nd_manual')
          const file = (await namesIn(folder).catch(() => [])).find((one) =>
            new RegExp(`^${number}_manual${observer}\\.(gif|png|tiff?)$`, 'i').test(one),
          )
          return file === undefined ? undefined : sourceOf(join(folder, file))
        }
        const [first, second] = [await manual('1'), both ? await manual('2') : undefined]
        const masks: [string, ImageSource][] = []
        if (first) masks.push([both ? 'first' : '', first])
        if (second) masks.push(['second', second])
        cases.push({
          name: number,
          images: [{ file: join(dir, part, 'images', name) }],
          masks: new Map(masks),
          split: part === 'training' ? 'train' : 'test',
          ...(first ? {} : { unlabelled: true }),
          ...(bounded ? { field: await fieldOf(join(dir, part, 'mask'), number) } : {}),
        })
      }
    }
    return { cases, known: { classes: ['vessel'] } }
  },
})

const sourceOf = (file: string): ImageSource => (/\.gif$/i.test(file) ? { file, reader: 'gif' } : { file })

/** `mask/21_training_mask.gif`; absent, its name stands for it, so that the file is asked for by name. */
async function fieldOf(folder: string, number: string): Promise<ImageSource> {
  const names = await namesIn(folder).catch(() => [])
  const file = names.find((one) =>
    new RegExp(`^${number}_(training|test)_mask\\.(gif|png|tiff?)$`, 'i').test(one),
  )
  return sourceOf(join(folder, file ?? `${number}_mask.gif`))
}
