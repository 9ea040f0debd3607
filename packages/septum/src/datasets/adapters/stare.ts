import { join } from 'node:path'
import { namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import { defineAdapter, firstOf, holds } from './adapter.js'

const FILE = /^(im\d{4})(?:\.(ah|vk))?\.(ppm|pgm|png|tiff?)(\.gz)?$/i

/** Retinal vessels, two observers: Adam Hoover (ah, the usual reference) and Valentina Kouznetsova (vk). */
export const stare = defineAdapter({
  name: 'stare',
  title: 'STARE',
  source: 'cecas.clemson.edu/~ahoover/stare/probing',
  licence: 'freely available for research; cite the paper',
  citation:
    'A. Hoover et al., Locating blood vessels in retinal images by piecewise threshold probing of a matched filter response, IEEE TMI 19 (2000) 203-210',
  split: 'none was published (leave-one-out is usual): drawn by image',
  variants: {
    first: 'the observer ah alone',
    fov: 'pixels outside of the field of view, which is found in the images, count nowhere',
    'first-fov': 'both',
  },
  recognises: (dir) => holds(dir, 'labels-ah'),
  async read(dir, variant = '') {
    const [alone, bounded] = [variant.startsWith('first'), variant.endsWith('fov')]
    const observers = alone ? ['ah'] : ['ah', 'vk'].filter((name) => holds(dir, `labels-${name}`))
    const masks = new Map<string, [string, ImageSource][]>()
    for (const observer of observers) {
      const folder = join(dir, `labels-${observer}`)
      for (const name of await namesIn(folder)) {
        const [, stem, who] = FILE.exec(name) ?? []
        if (stem === undefined || who?.toLowerCase() !== observer) continue
        const entry: [string, ImageSource] = [alone ? '' : observer, sourceOf(join(folder, name))]
        masks.set(stem, [...(masks.get(stem) ?? []), entry])
      }
    }
    const images = firstOf(dir, 'stare-images', 'images') ?? dir
    const cases = (await namesIn(images)).flatMap((name): CaseFiles[] => {
      const [, stem, who] = FILE.exec(name) ?? []
      const drawn = stem === undefined ? undefined : masks.get(stem)
      // The archive holds 400 images; 20 of them were segmented.
      if (stem === undefined || who !== undefined || !drawn) return []
      const file = join(images, name)
      const field: ImageSource = { file, reader: 'fundus-field' }
      return [{ name: stem, images: [sourceOf(file)], masks: new Map(drawn), ...(bounded ? { field } : {}) }]
    })
    return { cases, known: { classes: ['vessel'] } }
  },
})

const sourceOf = (file: string): ImageSource =>
  /\.p[pg]m(\.gz)?$/i.test(file) ? { file, reader: 'pnm' } : { file }
