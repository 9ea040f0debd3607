import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { listFolder } from '../files.js'
import type { CaseFiles, Layout } from '../layout.js'
import type { Problems } from '../problems.js'
import type { ImageSource } from '../sources.js'
import { splitNames } from '../splits.js'

const partsIn = (dir: string) => splitNames.filter((part) => existsSync(join(dir, part, 'images')))

export const hasPatientTree = (dir: string): boolean => partsIn(dir).length > 0

/**
 * Reads `train|val|test/images/<patient>/<case>.*` and `…/gt/<patient>/<case>_l<rater>.*`, the crops of the
 * Hierarchical Probabilistic U-Net.
 * @throws SeptumError `dataset-layout`, `folder-unreadable`.
 */
export async function patientTree(dir: string, problems: Problems): Promise<Layout> {
  const parts = partsIn(dir)
  if (parts.length === 0) {
    throw new SeptumError(
      'dataset-layout',
      'The folder holds no train/images, val/images or test/images',
      'Give the folder that holds train, val and test.',
      { file: dir },
    )
  }
  const cases: CaseFiles[] = []
  const orphans: string[] = []
  for (const split of parts) {
    const { folders } = await listFolder(join(dir, split, 'images'), problems)
    for (const patient of folders) {
      const { pictures } = await listFolder(join(dir, split, 'images', patient), problems)
      const masks = await ratersOf(join(dir, split, 'gt', patient), problems)
      for (const [stem, image] of pictures) {
        const name = `${patient}/${stem}`
        cases.push({
          name,
          images: [{ file: image }],
          masks: masks.get(stem) ?? new Map<string, ImageSource>(),
          patient,
          split,
        })
      }
      for (const [stem, files] of masks) {
        if (!pictures.has(stem)) orphans.push(...[...files.values()].map(({ file }) => file))
      }
    }
  }
  return { kind: 'train/val/test folders of patients', cases, orphans }
}

/** Mask files `<case>_l<rater>.png` of one patient, by case and rater. */
async function ratersOf(dir: string, problems: Problems): Promise<Map<string, Map<string, ImageSource>>> {
  const cases = new Map<string, Map<string, ImageSource>>()
  if (!existsSync(dir)) return cases
  const { pictures } = await listFolder(dir, problems)
  for (const [stem, file] of pictures) {
    const [, name, rater] = /^(.*)_l(\d+)$/.exec(stem) ?? []
    if (name === undefined || rater === undefined) {
      problems.add(
        'mask-name',
        `The mask ${stem} names no rater`,
        'Call it <case>_l<rater>, e.g. z-42.0_c0_l0.png.',
        { file },
      )
      continue
    }
    cases.set(name, (cases.get(name) ?? new Map<string, ImageSource>()).set(rater, { file }))
  }
  return cases
}
