import { join } from 'node:path'
import { listFolder } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import { defineAdapter, firstOf, withValidation } from './adapter.js'

const IMAGE = /^Image_(\d{2})[LR]$/
/** Children whose images train: 20 of the 28 images. */
const TRAINS = 10

/** Retinal vessels of children, two observers. */
export const chaseDb1 = defineAdapter({
  name: 'chase-db1',
  title: 'CHASE_DB1',
  source: 'researchdata.kingston.ac.uk/96',
  licence: 'CC BY 4.0',
  citation:
    'M. M. Fraz et al., An ensemble classification-based approach applied to retinal blood vessel segmentation, IEEE TBME 59 (2012) 2538-2548',
  split: 'children 01 to 10 train (20 images; every tenth child validates), 11 to 14 test (8 images)',
  variants: {
    first: 'the first observer alone, the usual reference',
    fov: 'pixels outside of the field of view, which is found in the images, count nowhere',
    'first-fov': 'both',
  },
  async recognises(dir) {
    const { images, masks } = await filesOf(dir).catch(() => ({ images: new Map(), masks: new Map() }))
    return images.size > 0 && masks.size > 0
  },
  async read(dir, variant = '') {
    const [alone, bounded] = [variant.startsWith('first'), variant.endsWith('fov')]
    const { images, masks } = await filesOf(dir)
    const cases = [...images].map(([name, file]): CaseFiles => {
      const observers = [1, 2].slice(0, alone ? 1 : 2)
      const drawn = observers.flatMap((observer): [string, ImageSource][] => {
        const mask = masks.get(`${name}_${observer === 1 ? '1st' : '2nd'}HO`)
        if (mask === undefined) return []
        return [[alone ? '' : `${observer === 1 ? '1st' : '2nd'}HO`, { file: mask }]]
      })
      return {
        name,
        images: [{ file }],
        masks: new Map(drawn),
        patient: IMAGE.exec(name)![1]!,
        ...(bounded ? { field: { file, reader: 'fundus-field' } } : {}),
      }
    })
    const children = [...new Set(cases.map(({ patient }) => patient!))]
    const splits = withValidation(
      'children 01 to 10 train, 11 to 14 test',
      children.filter((child) => Number(child) <= TRAINS),
      children.filter((child) => Number(child) > TRAINS),
    )
    return { cases, known: { classes: ['vessel'] }, splits }
  },
})

/** All files in one folder, as published, or images/ and masks/. */
async function filesOf(dir: string) {
  const { Problems } = await import('../problems.js')
  const problems = new Problems()
  const folder = firstOf(dir, 'images') ?? dir
  const { pictures } = await listFolder(folder, problems)
  const images = new Map([...pictures].filter(([stem]) => IMAGE.test(stem)))
  const marked =
    images.size > 0 && folder !== dir ? await listFolder(join(dir, 'masks'), problems) : { pictures }
  const masks = new Map([...marked.pictures].filter(([stem]) => /_(1st|2nd)HO$/.test(stem)))
  return { images, masks }
}
