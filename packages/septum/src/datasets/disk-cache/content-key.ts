import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** Changes whenever a reader or a preprocessing step gives other values than before. */
const VERSION = 1

/** Digests of files that did not change since, by path. */
const known = new Map<string, { readonly facts: string; readonly digest: string }>()

/** SHA-256 of a file's content, or of all files of a folder by name. */
async function digestOf(path: string): Promise<string> {
  const { size, mtimeMs, ino } = await stat(path)
  const facts = `${size} ${mtimeMs} ${ino}`
  const before = known.get(path)
  if (before?.facts === facts) return before.digest
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash)
  const digest = hash.digest('hex')
  known.set(path, { facts, digest })
  return digest
}

async function filesBelow(path: string): Promise<string[]> {
  const facts = await stat(path)
  if (!facts.isDirectory()) return [path]
  const names = (await readdir(path)).sort()
  return (await Promise.all(names.map((name) => filesBelow(join(path, name))))).flat()
}

/**
 * Key of what is made from files: a digest of their contents and of the settings. Names and places of the files do not
 * matter. A file is read again only when its size, time or inode have changed.
 * @param settings plain data; keys may come in any order.
 * @throws Error of the file system.
 */
export async function contentKey(files: readonly string[], settings: unknown): Promise<string> {
  const hash = createHash('sha256').update(`${VERSION} ${stableJson(settings)}`)
  for (const file of files) {
    const digests = await Promise.all((await filesBelow(file)).map(digestOf))
    hash.update(`\n${digests.join(' ')}`)
  }
  return hash.digest('hex')
}

function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
