import { readdir } from 'node:fs/promises'
import { dirname, join, parse } from 'node:path'
import type { DecodedCase, DecodingDataset } from './case.js'
import type { SegmentationCase } from './dataset.js'
import { type CacheEntry, contentKey, type DiskCache } from './disk-cache/index.js'
import type { ImageSource } from './sources.js'

/** Headers whose samples lie in another file. */
const DETACHED = new Set(['.hdr', '.img', '.mhd', '.nhdr'])

interface Facts extends Omit<DecodedCase, 'image' | 'masks' | 'foreground'> {
  readonly labels: readonly number[] | null
}

/** Decoded cases on disk, by the content of their files and everything that decides what is made of them. */
export class CaseDiskCache {
  constructor(
    private readonly cache: DiskCache,
    private readonly dataset: DecodingDataset,
  ) {}

  /** The case as kept, or as `make` makes it, which is then kept. */
  async get(
    entry: SegmentationCase,
    settings: Readonly<Record<string, unknown>>,
    make: () => Promise<DecodedCase>,
  ): Promise<DecodedCase> {
    const key = await this.keyOf(entry, settings)
    if (key === undefined) return make()
    const kept = await this.cache.get(key)
    if (kept) return fromEntry(kept)
    const made = await make()
    await this.cache.set(key, toEntry(made))
    return made
  }

  /** Undefined where the files that matter are not known, or cannot be read: then reading says what is wrong. */
  private async keyOf(
    entry: SegmentationCase,
    settings: Readonly<Record<string, unknown>>,
  ): Promise<string | undefined> {
    const { coding, raters, imageChannels, description } = this.dataset
    const used = settings.unlabelled ? entry.images : [...entry.images, ...entry.masks, entry.field]
    const sources = used.filter((one) => one !== undefined)
    const how = ({ part, reader, slicesAreChannels }: ImageSource) => ({ part, reader, slicesAreChannels })
    try {
      const files = (await Promise.all(sources.map(filesOf))).flat()
      if (files.includes(null)) return undefined
      return await contentKey(files as string[], {
        ...settings,
        coding,
        imageChannels,
        raters: raters.length,
        maxValue: description.maxValue,
        shape: entry.shape,
        sources: used.map((one) => (one ? [how(one), 1 + (one.more?.length ?? 0)] : null)),
      })
    } catch {
      return undefined
    }
  }
}

/** Files behind a source; null stands for one whose name only the header knows. */
async function filesOf({ file, more = [], like }: ImageSource): Promise<(string | null)[]> {
  const named = [file, ...more, ...(like === undefined ? [] : [like])]
  const all = named.map(async (path): Promise<(string | null)[]> => {
    const { ext, name } = parse(path)
    if (!DETACHED.has(ext.toLowerCase())) return [path]
    const beside = (await readdir(dirname(path))).filter((other) => other.startsWith(`${name}.`)).sort()
    return beside.length > 1 ? beside.map((other) => join(dirname(path), other)) : [path, null]
  })
  return (await Promise.all(all)).flat()
}

function toEntry({ image, masks, foreground, ...facts }: DecodedCase): CacheEntry {
  const places = Object.fromEntries((foreground?.places ?? []).map((one, index) => [`places${index}`, one]))
  const data: Facts = { ...facts, labels: foreground?.labels ?? null }
  return { arrays: { image, masks, ...places }, data }
}

function fromEntry({ arrays, data }: CacheEntry): DecodedCase {
  const { labels, ...facts } = data as Facts
  const places = (labels ?? []).map((_, index) => arrays[`places${index}`] as Uint32Array)
  return {
    ...facts,
    image: arrays.image!,
    masks: arrays.masks as Uint8Array,
    ...(labels ? { foreground: { labels, places } } : {}),
  }
}
