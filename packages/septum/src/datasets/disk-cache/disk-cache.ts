import { randomBytes } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, stat, unlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { type CacheEntry, decodeEntry, encodeEntry } from './entry.js'

const EXTENSION = '.entry'
const UNFINISHED = '.part'
/** What a process that died left behind; no write takes so long. */
const STALE_MS = 3600_000

export interface DiskCacheOptions {
  /** Bytes of all entries; what was used longest ago goes first. */
  readonly maxBytes: number
}

/**
 * Entries in files of one folder, which several processes may share. An entry is written under a name of its own and
 * renamed, so that a reader sees all of it or nothing; it is checked against its digest when read, and a damaged one
 * counts as missing. The time of last use is the file's modification time. A disk that is full or read-only makes the
 * cache useless, never the run: `set` then returns false.
 */
export class DiskCache {
  private readonly maxBytes: number
  private used: number | undefined
  private made: Promise<unknown> | undefined

  constructor(
    readonly dir: string,
    { maxBytes }: DiskCacheOptions,
  ) {
    this.maxBytes = maxBytes
  }

  /** @param key letters, digits and `-` only, e.g. a digest. @returns undefined when absent or damaged. */
  async get(key: string): Promise<CacheEntry | undefined> {
    const file = this.fileOf(key)
    const bytes = await readFile(file).catch(() => undefined)
    if (!bytes) return undefined
    const entry = decodeEntry(bytes)
    if (!entry) {
      await unlink(file).catch(() => {})
      return undefined
    }
    const now = new Date()
    await utimes(file, now, now).catch(() => {})
    return entry
  }

  /** @returns whether it was kept: not when it is larger than the cache, or the disk refuses. */
  async set(key: string, entry: CacheEntry): Promise<boolean> {
    const parts = encodeEntry(entry)
    const size = parts.reduce((sum, part) => sum + part.byteLength, 0)
    if (size > this.maxBytes) return false
    const part = join(this.dir, `${key}-${process.pid}-${randomBytes(6).toString('hex')}${UNFINISHED}`)
    try {
      this.made ??= mkdir(this.dir, { recursive: true })
      await this.made
      {
        await using handle = await open(part, 'wx')
        await handle.writev(parts)
      }
      await rename(part, this.fileOf(key))
    } catch {
      this.made = undefined
      await unlink(part).catch(() => {})
      return false
    }
    this.used = (this.used ?? Infinity) + size
    if (this.used > this.maxBytes) await this.evict()
    return true
  }

  private fileOf(key: string): string {
    if (!/^[\w-]+$/.test(key)) throw new RangeError(`"${key}" cannot name a cache entry`)
    return join(this.dir, key + EXTENSION)
  }

  /** Counts what is there, also by other processes, and deletes the oldest until it fits. */
  private async evict(): Promise<void> {
    const names = await readdir(this.dir).catch(() => [] as string[])
    const found = await Promise.all(
      names.map(async (name) => {
        const file = join(this.dir, name)
        // Another process may have deleted it meanwhile.
        const facts = await stat(file).catch(() => undefined)
        return facts && { file, name, size: facts.size, used: facts.mtimeMs }
      }),
    )
    const files = found.filter((one) => one !== undefined)
    for (const { file, name, used } of files) {
      if (name.endsWith(UNFINISHED) && Date.now() - used > STALE_MS) await unlink(file).catch(() => {})
    }
    const entries = files
      .filter(({ name }) => name.endsWith(EXTENSION))
      .sort((a, b) => a.used - b.used || (a.name < b.name ? -1 : 1))
    let total = entries.reduce((sum, { size }) => sum + size, 0)
    for (const { file, size } of entries) {
      if (total <= this.maxBytes) break
      await unlink(file).catch(() => {})
      total -= size
    }
    this.used = total
  }
}
