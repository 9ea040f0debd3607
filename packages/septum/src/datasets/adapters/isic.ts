import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { SplitName } from '../splits.js'
import { defineAdapter, pairFolders } from './adapter.js'

interface Part {
  readonly images: string
  readonly masks: string | undefined
  readonly split: SplitName
}

const PARTS: readonly (readonly [RegExp, SplitName])[] = [
  [/Training/, 'train'],
  [/Validation/, 'val'],
  [/Test/, 'test'],
]

/** Skin lesions in dermoscopy: the challenges of 2016, 2017 and 2018 (task 1). */
export const isic = defineAdapter({
  name: 'isic',
  title: 'ISIC',
  source: 'challenge.isic-archive.com/data',
  licence: 'CC0 (2016 to 2018)',
  citation:
    'N. Codella et al., Skin lesion analysis toward melanoma detection 2018, arXiv 1902.03368; P. Tschandl et al., The HAM10000 dataset, Scientific Data 5 (2018) 180161',
  split: 'the folders of training, validation and test',
  recognises: async (dir) => (await partsIn(dir)).length > 0,
  async read(dir, _, problems) {
    const cases: CaseFiles[] = []
    const orphans: string[] = []
    for (const { images, masks, split } of await partsIn(dir)) {
      const names = masks === undefined ? [] : await namesIn(masks)
      // 2016 writes _Segmentation, later years _segmentation.
      const ending = names.some((name) => name.includes('_Segmentation')) ? '_Segmentation' : '_segmentation'
      const found = await pairFolders(images, masks, problems, {
        maskStem: (stem) => `${stem}${ending}`,
        pick: (stem) => /^ISIC_\d+$/.test(stem),
        more: () => ({ split }),
      })
      cases.push(...found.cases)
      orphans.push(...found.orphans)
    }
    return { cases, orphans, known: { classes: ['lesion'], masks: 'half' } }
  },
})

/** Pairs of `…_Data` or `…_Input` with `…_GroundTruth` of the same year and part. */
async function partsIn(dir: string): Promise<Part[]> {
  const names = (await namesIn(dir)).filter((name) => /^(ISIC|ISBI).*(Data|Input|GroundTruth)$/.test(name))
  return names
    .filter((name) => /(Data|Input)$/.test(name))
    .flatMap((name): Part[] => {
      const [part, split] = PARTS.find(([pattern]) => pattern.test(name)) ?? []
      if (!part || !split) return []
      const masks = names.find(
        (one) => /GroundTruth$/.test(one) && part.test(one) && !/Part[23]|Task[23]/.test(one),
      )
      return [{ images: join(dir, name), masks: masks && join(dir, masks), split }]
    })
}
