import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { type Listing, listFolder } from './files.js'
import type { Problems } from './problems.js'
import { alphabetical, type SplitName, splitNames } from './splits.js'

/** Files of one case, found by name alone. */
export interface CaseFiles {
  readonly name: string
  readonly image: string
  /** Mask files by rater; the rater is `''` where a case has a single file. */
  readonly masks: ReadonlyMap<string, string>
  /** Known where the folders say so. */
  readonly patient?: string
  readonly split?: SplitName
}

export interface Layout {
  /** How the masks lie, in words, for the report. */
  readonly kind:
    | 'one mask file a case'
    | 'a folder of raters for each case'
    | 'a folder of cases for each rater'
    | 'train/val/test folders of patients'
  readonly cases: readonly CaseFiles[]
  /** Mask files that belong to no image. */
  readonly orphans: readonly string[]
}

/**
 * Finds images and masks below a folder. Known layouts:
 * - `images/<case>.*` and `masks/<case>.*`
 * - `images/<case>.*` and `masks/<case>/<rater>.*`
 * - `images/<case>.*` and `masks/<rater>/<case>.*`
 * - `train|val|test/images/<patient>/<case>.*` and `…/gt/<patient>/<case>_l<rater>.*` (the crops of the
 *   Hierarchical Probabilistic U-Net)
 * @throws SeptumError `dataset-missing`, `dataset-layout`, `dataset-empty`.
 */
export async function findLayout(dir: string, problems: Problems): Promise<Layout> {
  if (!existsSync(dir)) {
    throw new SeptumError('dataset-missing', 'The data set does not exist', 'Check the path.', { file: dir })
  }
  const parts = splitNames.filter((part) => existsSync(join(dir, part, 'images')))
  const layout = existsSync(join(dir, 'images'))
    ? await folderPair(dir, problems)
    : parts.length > 0
      ? await patientTree(dir, parts, problems)
      : undefined
  if (!layout) {
    throw new SeptumError(
      'dataset-layout',
      'The folder holds no "images" folder',
      'Put pictures into images/ and their masks under the same names into masks/.',
      { file: dir },
    )
  }
  if (layout.cases.length === 0 && problems.count === 0) {
    throw new SeptumError(
      'dataset-empty',
      'The data set holds no PNG or JPEG image',
      'Put pictures into images/ and their masks under the same names into masks/.',
      { file: dir },
    )
  }
  return layout
}

async function folderPair(dir: string, problems: Problems): Promise<Layout> {
  const { pictures: images } = await listFolder(join(dir, 'images'), problems)
  const masksDir = join(dir, 'masks')
  const none: Listing = { pictures: new Map(), folders: [], others: [] }
  const masks = existsSync(masksDir) ? await listFolder(masksDir, problems) : none
  const folders = new Map<string, Listing>()
  for (const name of masks.folders) folders.set(name, await listFolder(join(masksDir, name), problems))

  const filled = [...folders].filter(([, { pictures }]) => pictures.size > 0)
  if (filled.length > 0 && masks.pictures.size > 0) {
    throw new SeptumError(
      'dataset-layout',
      'The masks folder holds both mask files and folders of mask files',
      'Use masks/<case>.png, masks/<case>/<rater>.png or masks/<rater>/<case>.png throughout.',
      { file: masksDir },
    )
  }
  if (filled.length === 0) {
    const cases = [...images].map(([name, image]) => {
      const mask = masks.pictures.get(name)
      return { name, image, masks: new Map(mask === undefined ? [] : [['', mask]]) }
    })
    const orphans = [...masks.pictures].filter(([stem]) => !images.has(stem)).map(([, file]) => file)
    return { kind: 'one mask file a case', cases, orphans }
  }

  const byCase = filled.filter(([name]) => images.has(name)).length
  const byRater = filled.filter(([, { pictures }]) =>
    [...pictures.keys()].some((stem) => images.has(stem)),
  ).length
  if (byCase >= byRater) {
    const cases = [...images].map(([name, image]) => ({
      name,
      image,
      masks: folders.get(name)?.pictures ?? new Map<string, string>(),
    }))
    const orphans = filled
      .filter(([name]) => !images.has(name))
      .flatMap(([, { pictures }]) => [...pictures.values()])
    return { kind: 'a folder of raters for each case', cases, orphans }
  }
  const cases = [...images].map(([name, image]) => {
    const found = filled.flatMap(([rater, { pictures }]): [string, string][] => {
      const file = pictures.get(name)
      return file === undefined ? [] : [[rater, file]]
    })
    return { name, image, masks: new Map(found) }
  })
  const orphans = filled.flatMap(([, { pictures }]) =>
    [...pictures].filter(([stem]) => !images.has(stem)).map(([, file]) => file),
  )
  return { kind: 'a folder of cases for each rater', cases, orphans }
}

async function patientTree(dir: string, parts: readonly SplitName[], problems: Problems): Promise<Layout> {
  const cases: CaseFiles[] = []
  const orphans: string[] = []
  for (const split of parts) {
    const { folders } = await listFolder(join(dir, split, 'images'), problems)
    for (const patient of folders) {
      const { pictures } = await listFolder(join(dir, split, 'images', patient), problems)
      const masks = await ratersOf(join(dir, split, 'gt', patient), problems)
      for (const [stem, image] of pictures) {
        const name = `${patient}/${stem}`
        cases.push({ name, image, masks: masks.get(stem) ?? new Map(), patient, split })
      }
      for (const [stem, files] of masks) if (!pictures.has(stem)) orphans.push(...files.values())
    }
  }
  return { kind: 'train/val/test folders of patients', cases, orphans }
}

/** Mask files `<case>_l<rater>.png` of one patient, by case and rater. */
async function ratersOf(dir: string, problems: Problems): Promise<Map<string, Map<string, string>>> {
  const cases = new Map<string, Map<string, string>>()
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
    const raters = cases.get(name) ?? new Map<string, string>()
    cases.set(name, raters.set(rater, file))
  }
  return cases
}

/** All raters of a layout, in alphabetical order. */
export function ratersIn(layout: Layout): string[] {
  return [...new Set(layout.cases.flatMap(({ masks }) => [...masks.keys()]))].sort(alphabetical)
}
