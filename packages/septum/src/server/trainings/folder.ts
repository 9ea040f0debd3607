import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { parse } from 'yaml'

/** Folders of runs below the watched one, and how deep they may lie: `runs/grid/unet-0`. */
const DEEPEST = 3

/** More than anybody looks at; a wrong folder must not cost minutes. */
const MOST_RUNS = 200
const MOST_FOLDERS = 5000

export interface FoundRun {
  readonly id: string
  /** Path below the watched folder, with `/`. */
  readonly name: string
  readonly folder: string
}

/** Finds runs: folders with a `config.yaml` and a `task.json`, the watched folder itself too. Links are not followed. */
export async function findRuns(root: string): Promise<{ runs: FoundRun[]; left: number }> {
  const runs: FoundRun[] = []
  let left = 0
  let seen = 0
  const look = async (folder: string, path: readonly string[]): Promise<void> => {
    if (++seen > MOST_FOLDERS) return
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    const files = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name))
    if (files.has('config.yaml') && files.has('task.json')) {
      const name = path.join('/') || basename(folder)
      if (runs.length < MOST_RUNS) runs.push({ id: idOf(path.length > 0 ? path : [name]), name, folder })
      else left++
      return
    }
    if (path.length >= DEEPEST) return
    const below = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    for (const { name } of below.sort((a, b) => (a.name < b.name ? -1 : 1)))
      await look(join(folder, name), [...path, name])
  }
  await look(root, [])
  return { runs, left }
}

/** Usable in an address as it is, and different for different paths. */
function idOf(path: readonly string[]): string {
  const part = (name: string) =>
    Array.from(new TextEncoder().encode(name), (byte) => {
      const letter = String.fromCharCode(byte)
      return /[A-Za-z0-9._-]/.test(letter) ? letter : `~${byte.toString(16).padStart(2, '0')}`
    }).join('')
  return path.map(part).join('~2f')
}

/** Bytes of a `config.yaml` that is one. */
const LONGEST_CONFIG = 1 << 20

/** @returns what `config.yaml` says; nothing where it cannot be read. */
export async function readConfig(folder: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const file = join(folder, 'config.yaml')
    if ((await stat(file)).size > LONGEST_CONFIG) return {}
    const found: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 10 })
    return typeof found === 'object' && found !== null && !Array.isArray(found) ? { ...found } : {}
  } catch {
    return {}
  }
}

/** Values by their path, `options.lr`; of folders only the last part, which is all that a reader needs. */
export function flatten(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const flat: Record<string, unknown> = {}
  const walk = (value: unknown, path: readonly string[]): void => {
    const plain = typeof value === 'object' && value !== null && !Array.isArray(value)
    if (plain && Object.keys(value).length > 0 && path.length < 8) {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key])
    } else flat[path.join('.')] = shortened(value)
  }
  for (const [key, value] of Object.entries(config)) walk(value, [key])
  return flat
}

const shortened = (value: unknown): unknown =>
  typeof value === 'string' && /[/\\]/.test(value)
    ? (value.split(/[/\\]/).findLast((part) => part) ?? '')
    : value
