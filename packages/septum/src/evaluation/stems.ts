import { readdir } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { SeptumError } from '@septum/core'
import { imageFormats } from '../formats/registry.js'

/** Image files below a folder by their path without extension: `case`, `case/rater`, `samples/case/001`. */
export interface Stems {
  readonly files: ReadonlyMap<string, string>
  /** Stems that two files have, e.g. `a.png` and `a.nii.gz`, with both names. */
  readonly twice: ReadonlyMap<string, readonly [string, string]>
}

/** Folders deeper than this hold no case. */
const DEEPEST = 4

/** `.npz` and `.npy` beside an image of the same name are its probabilities (nnU-Net), not a second mask. */
const ARRAY = /\.np[yz]$/i

/**
 * Lists the images of a folder and of the folders in it, in alphabetical order; hidden entries are skipped.
 * @throws SeptumError `folder-unreadable`.
 */
export async function listStems(folder: string): Promise<Stems> {
  const files = new Map<string, string>()
  const twice = new Map<string, readonly [string, string]>()
  const found = await filesBelow(folder, '', 0)
  for (const name of found) {
    const stem = stemOf(name)
    if (stem === null) continue
    const earlier = files.get(stem)
    if (earlier === undefined || ARRAY.test(earlier)) files.set(stem, name)
    else if (!ARRAY.test(name)) twice.set(stem, [earlier, name])
  }
  return { files: new Map([...files].map(([stem, name]) => [stem, join(folder, name)])), twice }
}

async function filesBelow(folder: string, inside: string, depth: number): Promise<string[]> {
  const entries = await readdir(join(folder, inside), { withFileTypes: true }).catch((cause: unknown) => {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new SeptumError(
      'folder-unreadable',
      missing ? 'The folder does not exist' : 'The folder cannot be listed',
      'Check the path.',
      { file: join(folder, inside) },
      { cause },
    )
  })
  const names: string[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))) {
    if (entry.name.startsWith('.')) continue
    const name = inside === '' ? entry.name : `${inside}/${entry.name}`
    if (!entry.isDirectory()) names.push(name)
    else if (depth < DEEPEST) names.push(...(await filesBelow(folder, name, depth + 1)))
  }
  return names
}

const extensions = imageFormats
  .flatMap((format) => format.extensions)
  .concat('.npy', '.npz')
  .sort((a, b) => b.length - a.length)

/** A path without the extension of an image; null for other files. */
export function stemOf(path: string): string | null {
  const name = path.split(sep).join('/')
  const lower = name.toLowerCase()
  const extension = extensions.find((end) => lower.endsWith(end))
  return extension === undefined ? null : name.slice(0, -extension.length)
}

/** The stems directly inside a folder of the listing: `rest` of `folder/rest`. */
export function stemsIn(stems: Stems, folder: string): Map<string, string> {
  const inside = new Map<string, string>()
  for (const [stem, file] of stems.files) {
    if (!stem.startsWith(`${folder}/`)) continue
    const rest = stem.slice(folder.length + 1)
    if (!rest.includes('/')) inside.set(rest, file)
  }
  return inside
}
