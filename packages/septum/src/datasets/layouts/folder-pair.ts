import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { type Listing, listFolder } from '../files.js'
import type { CaseFiles, Layout } from '../layout.js'
import type { Problems } from '../problems.js'
import { alphabetical } from '../splits.js'

const nothing: Listing = { pictures: new Map(), folders: [], others: [] }
const MASK_FOLDERS = ['masks', 'labels']

export const hasFolderPair = (dir: string): boolean => existsSync(join(dir, 'images'))

/**
 * Reads `images/` beside `masks/` (or `labels/`):
 * - `masks/<case>.*`: one mask a case
 * - `masks/<case>/<rater>.*` or `masks/<rater>/<case>.*`: several raters
 * - `masks/<case>_<rater>.*`, where no mask has the name of an image; a single ending such as `_mask` is no rater
 *
 * An image may be a file of any readable format or, where `images/` holds nothing but folders, a folder of one
 * DICOM series.
 * @throws SeptumError `dataset-layout`, `folder-unreadable`.
 */
export async function folderPair(dir: string, problems: Problems): Promise<Layout> {
  if (!hasFolderPair(dir)) {
    throw new SeptumError(
      'dataset-layout',
      'The folder holds no "images" folder',
      'Put images into images/ and their masks under the same names into masks/.',
      { file: dir },
    )
  }
  const images = await imagesIn(join(dir, 'images'), problems)
  const masksDir = MASK_FOLDERS.map((name) => join(dir, name)).find((path) => existsSync(path))
  const masks = masksDir === undefined ? nothing : await listFolder(masksDir, problems)
  const folders = new Map<string, Listing>()
  for (const name of masks.folders) {
    folders.set(name, await listFolder(join(masksDir!, name), problems))
  }
  const filled = [...folders].filter(([, { pictures }]) => pictures.size > 0)
  if (filled.length > 0 && masks.pictures.size > 0) {
    throw new SeptumError(
      'dataset-layout',
      'The masks folder holds both mask files and folders of mask files',
      'Use masks/<case>.png, masks/<case>/<rater>.png or masks/<rater>/<case>.png throughout.',
      { file: masksDir! },
    )
  }
  if (filled.length === 0) return fromFiles(images, masks.pictures)
  const byCase = filled.filter(([name]) => images.has(name)).length
  const byRater = filled.filter(([, { pictures }]) =>
    [...pictures.keys()].some((stem) => images.has(stem)),
  ).length
  return byCase >= byRater ? foldersOfCases(images, folders) : foldersOfRaters(images, filled)
}

/** Image files by stem; folders where there are no files. */
async function imagesIn(dir: string, problems: Problems): Promise<ReadonlyMap<string, string>> {
  const { pictures, folders } = await listFolder(dir, problems)
  return pictures.size > 0 ? pictures : new Map(folders.map((name) => [name, join(dir, name)]))
}

type Files = ReadonlyMap<string, string>

const caseOf = (name: string, image: string, masks: Iterable<readonly [string, string]>): CaseFiles => ({
  name,
  images: [{ file: image }],
  masks: new Map([...masks].map(([rater, file]) => [rater, { file }])),
})

function fromFiles(images: Files, masks: Files): Layout {
  if (masks.size > 0 && ![...masks.keys()].some((stem) => images.has(stem))) {
    const layout = withEndings(images, masks)
    if (layout) return layout
  }
  const cases = [...images].map(([name, image]) => {
    const mask = masks.get(name)
    return caseOf(name, image, mask === undefined ? [] : [['', mask]])
  })
  const orphans = [...masks].filter(([stem]) => !images.has(stem)).map(([, file]) => file)
  return { kind: 'one mask file a case', cases, orphans }
}

/** `<case>_<rater>`: the longest image name that a mask's name begins with is its case. */
function withEndings(images: Files, masks: Files): Layout | undefined {
  const found = new Map<string, Map<string, string>>()
  const orphans: string[] = []
  for (const [stem, file] of masks) {
    let at = stem.lastIndexOf('_')
    while (at > 0 && !images.has(stem.slice(0, at))) at = stem.lastIndexOf('_', at - 1)
    if (at <= 0) {
      orphans.push(file)
      continue
    }
    const name = stem.slice(0, at)
    found.set(name, (found.get(name) ?? new Map<string, string>()).set(stem.slice(at + 1), file))
  }
  if (found.size === 0) return undefined
  const endings = new Set([...found.values()].flatMap((raters) => [...raters.keys()]))
  const single = endings.size === 1
  const cases = [...images].map(([name, image]) => {
    const raters = [...(found.get(name) ?? [])].sort(([a], [b]) => alphabetical(a, b))
    return caseOf(
      name,
      image,
      raters.map(([rater, file]): [string, string] => [single ? '' : rater, file]),
    )
  })
  return { kind: single ? 'one mask file a case' : 'a mask file for each case and rater', cases, orphans }
}

function foldersOfCases(images: Files, folders: ReadonlyMap<string, Listing>): Layout {
  const cases = [...images].map(([name, image]) => caseOf(name, image, folders.get(name)?.pictures ?? []))
  const orphans = [...folders]
    .filter(([name]) => !images.has(name))
    .flatMap(([, { pictures }]) => [...pictures.values()])
  return { kind: 'a folder of raters for each case', cases, orphans }
}

function foldersOfRaters(images: Files, folders: readonly (readonly [string, Listing])[]): Layout {
  const cases = [...images].map(([name, image]) => {
    const found = folders.flatMap(([rater, { pictures }]): [string, string][] => {
      const file = pictures.get(name)
      return file === undefined ? [] : [[rater, file]]
    })
    return caseOf(name, image, found)
  })
  const orphans = folders.flatMap(([, { pictures }]) =>
    [...pictures].filter(([stem]) => !images.has(stem)).map(([, file]) => file),
  )
  return { kind: 'a folder of cases for each rater', cases, orphans }
}
