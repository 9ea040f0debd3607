import { join } from 'node:path'
import { listFolder, namesIn } from '../files.js'
import type { CaseFiles } from '../layout.js'
import type { ImageSource } from '../sources.js'
import type { SplitName } from '../splits.js'
import { defineAdapter, firstOf } from './adapter.js'

const TRAIN = ['MoNuSeg 2018 Training Data', 'MoNuSegTrainingData', 'train']
const TEST = ['MoNuSegTestData', 'test']

/** Nuclei in stained tissue of several organs, outlined in ImageScope XML. */
export const monuseg = defineAdapter({
  name: 'monuseg',
  title: 'MoNuSeg',
  source: 'monuseg.grand-challenge.org',
  licence: 'CC BY-NC-SA 4.0',
  citation: 'N. Kumar et al., A multi-organ nucleus segmentation challenge, IEEE TMI 39 (2020) 1380-1391',
  split: 'training (30 images of 30 patients; every tenth validates), test (14)',
  recognises: async (dir) => (await partOf(dir, TRAIN)) !== undefined,
  async read(dir, _, problems) {
    const cases: CaseFiles[] = []
    for (const [names, split] of [
      [TRAIN, 'train'],
      [TEST, 'test'],
    ] as const) {
      const part = await partOf(dir, names)
      if (part) cases.push(...(await casesOf(part, split)))
    }
    return { cases, known: { classes: ['nucleus'], masks: 'instances' } }

    async function casesOf({ images, outlines }: Part, split: SplitName): Promise<CaseFiles[]> {
      const xml = new Set(await namesIn(outlines))
      return [...(await listFolder(images, problems)).pictures].map(([name, file]): CaseFiles => {
        const mask: ImageSource = { file: join(outlines, `${name}.xml`), reader: 'polygons', like: file }
        return {
          name,
          images: [{ file }],
          masks: new Map(xml.has(`${name}.xml`) ? [['', mask]] : []),
          // TCGA-XX-NNNN names the patient.
          patient: /^(TCGA-\w+-\w+)/.exec(name)?.[1] ?? name,
          split,
        }
      })
    }
  },
})

interface Part {
  readonly images: string
  readonly outlines: string
}

/** `Tissue Images/` beside `Annotations/`, or all files in one folder as in the test part. */
async function partOf(dir: string, names: readonly string[]): Promise<Part | undefined> {
  const folder = firstOf(dir, ...names)
  if (!folder) return undefined
  const part = {
    images: firstOf(folder, 'Tissue Images', 'Tissue images') ?? folder,
    outlines: firstOf(folder, 'Annotations') ?? folder,
  }
  const xml = (await namesIn(part.outlines)).some((name) => /\.xml$/i.test(name))
  return xml ? part : undefined
}
