import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { imageFormats } from '../formats/index.js'
import type { Problems } from './problems.js'
import { alphabetical } from './splits.js'

/** What a folder holds that a data set may use, in alphabetical order; hidden entries are skipped. */
export interface Listing {
  /** Image files by stem (`case_01` for `case_01.png` and for `case_01.nii.gz`). */
  readonly pictures: ReadonlyMap<string, string>
  readonly folders: readonly string[]
  /** Names of other files. */
  readonly others: readonly string[]
}

/** The name of an image file without its ending; undefined for a file that is no image by its name. */
export function imageStem(name: string): string | undefined {
  const lower = name.toLowerCase()
  let longest = ''
  for (const { extensions } of imageFormats) {
    for (const extension of extensions) {
      if (extension.length > longest.length && lower.endsWith(extension)) longest = extension
    }
  }
  return longest === '' ? undefined : name.slice(0, name.length - longest.length)
}

/**
 * Lists a folder; two images of one stem are a problem (the two files of an Analyze pair are one).
 * @throws SeptumError `folder-unreadable`.
 */
export async function listFolder(dir: string, problems: Problems): Promise<Listing> {
  const pictures = new Map<string, string>()
  const folders: string[] = []
  const others: string[] = []
  const entries = await entriesOf(dir)
  const names = new Set(entries.map(({ name }) => name))
  for (const entry of entries) {
    const { name } = entry
    if (await isFolder(entry, dir)) {
      folders.push(name)
      continue
    }
    const stem = imageStem(name)
    if (stem === undefined || (/\.img$/i.test(name) && names.has(`${stem}.hdr`))) {
      others.push(name)
      continue
    }
    const earlier = pictures.get(stem)
    if (earlier === undefined) pictures.set(stem, name)
    else {
      problems.add(
        'stem-duplicate',
        `Two pictures have the name ${stem}: ${earlier} and ${name}`,
        'Keep one of them.',
        { file: dir, case: stem },
      )
    }
  }
  return {
    pictures: new Map([...pictures].map(([stem, name]) => [stem, join(dir, name)])),
    folders,
    others,
  }
}

/** Names of the visible entries of a folder, in alphabetical order. @throws SeptumError `folder-unreadable`. */
export async function namesIn(dir: string): Promise<string[]> {
  return (await entriesOf(dir)).map(({ name }) => name)
}

async function entriesOf(dir: string): Promise<Dirent[]> {
  const entries: Dirent[] = await readdir(dir, { withFileTypes: true }).catch((cause: unknown) => {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new SeptumError(
      'folder-unreadable',
      missing ? 'The folder does not exist' : 'The folder cannot be listed',
      'Check the path.',
      { file: dir },
      { cause },
    )
  })
  return entries.filter(({ name }) => !name.startsWith('.')).sort((a, b) => alphabetical(a.name, b.name))
}

/** Links to folders count as folders: data sets are often put together from links. */
async function isFolder(entry: Dirent, dir: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory()
  const { stat } = await import('node:fs/promises')
  return (await stat(join(dir, entry.name)).catch(() => undefined))?.isDirectory() ?? false
}
