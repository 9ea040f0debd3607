import { join } from 'node:path'
import { listFolder } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import { defineAdapter, holds, withValidation } from './adapter.js'
import { busiFold } from './busi-folds.js'

const KINDS = ['benign', 'malignant', 'normal']

/** Breast lesions in ultrasound; several mask files of one image are one mask. */
export const busi = defineAdapter({
  name: 'busi',
  title: 'BUSI',
  source: 'scholar.cu.edu.eg/?q=afahmy/pages/dataset (Dataset_BUSI_with_GT)',
  licence: 'CC0 as listed; the authors ask to be cited',
  citation: 'W. Al-Dhabyani et al., Dataset of breast ultrasound images, Data in Brief 28 (2020) 104863',
  split:
    "drawn by image; fold1 to fold4: the folds of NU-Net's authors, without normal images: that fold tests, every tenth other image validates",
  variants: {
    fold1: '161 images test',
    fold2: '162 images test',
    fold3: '161 images test',
    fold4: '163 images test',
    lesions: 'without the 133 normal images, no fold',
  },
  recognises: (dir) => holds(dir, 'benign', 'malignant'),
  async read(dir, variant, problems) {
    const cases: CaseFiles[] = []
    const orphans: string[] = []
    for (const kind of KINDS.filter(
      (name) => holds(dir, name) && (variant === undefined || name !== 'normal'),
    )) {
      const { pictures } = await listFolder(join(dir, kind), problems)
      const masks = new Map<string, string[]>()
      for (const [stem, file] of pictures) {
        const [, name] = /^(.*\(\d+\))_mask(_\d+)?$/.exec(stem) ?? []
        if (name !== undefined) masks.set(name, [...(masks.get(name) ?? []), file])
      }
      for (const [stem, file] of pictures) {
        if (/_mask(_\d+)?$/.test(stem)) continue
        const [first, ...more] = masks.get(stem) ?? []
        masks.delete(stem)
        const mask: ImageSource | undefined =
          first === undefined
            ? undefined
            : more.length > 0
              ? { file: first, more, reader: 'union' }
              : { file: first }
        cases.push({
          name: stem,
          images: [{ file }],
          masks: new Map(mask ? [['', mask]] : []),
          stratum: kind,
        })
      }
      orphans.push(...[...masks.values()].flat())
    }
    const known = { classes: ['lesion'] }
    const fold = /^fold(\d)$/.exec(variant ?? '')?.[1]
    if (fold === undefined) return { cases, orphans, known }
    const inFolds = cases.filter(({ name }) => busiFold(name) !== undefined)
    const part = (tests: boolean) =>
      inFolds.filter(({ name }) => (busiFold(name) === Number(fold)) === tests).map(({ name }) => name)
    const splits = withValidation(`NU-Net fold ${fold} of 4`, part(false), part(true))
    return { cases: inFolds, orphans, known, splits }
  },
})
