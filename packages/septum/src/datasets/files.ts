import type { Dirent } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join, parse } from 'node:path'
import { SeptumError } from '@septum/core'
import type { Problems } from './problems.js'
import { alphabetical } from './splits.js'

const PICTURE = /\.(png|jpe?g)$/i

/** What a folder holds that a data set may use, in alphabetical order; hidden entries are skipped. */
export interface Listing {
  /** Picture files by stem (`case_01` for `case_01.png`). */
  readonly pictures: ReadonlyMap<string, string>
  readonly folders: readonly string[]
  /** Names of other files. */
  readonly others: readonly string[]
}

/**
 * Lists a folder; two pictures of one stem are a problem.
 * @throws SeptumError `folder-unreadable`.
 */
export async function listFolder(dir: string, problems: Problems): Promise<Listing> {
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
  const pictures = new Map<string, string>()
  const folders: string[] = []
  const others: string[] = []
  for (const entry of entries.sort((a, b) => alphabetical(a.name, b.name))) {
    const { name } = entry
    if (name.startsWith('.')) continue
    if (entry.isDirectory()) folders.push(name)
    else if (!PICTURE.test(name)) others.push(name)
    else {
      const stem = parse(name).name
      const earlier = pictures.get(stem)
      if (earlier === undefined) pictures.set(stem, join(dir, name))
      else {
        problems.add(
          'stem-duplicate',
          `Two pictures have the name ${stem}: ${parse(earlier).base} and ${name}`,
          'Keep one of them.',
          { file: dir, case: stem },
        )
      }
    }
  }
  return { pictures, folders, others }
}
