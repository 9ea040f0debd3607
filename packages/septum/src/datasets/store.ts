import { ByteCache } from './cache.js'
import { bytesOf, type DecodedCase, loadCase } from './case.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'
import { resizeCase } from './resize.js'

export interface StoreOptions {
  /** Bytes of decoded cases to keep. Default 1 GiB. */
  readonly cacheBytes?: number
  /** [H, W] that every case is resized to on arrival; null leaves sizes as they are. */
  readonly resize?: readonly [number, number] | null
}

/** Decoded cases of a data set, as the files hold them (8 or 16 bits), the last used ones kept. */
export class CaseStore {
  private readonly cache: ByteCache<DecodedCase>
  private readonly underWay = new Map<string, Promise<DecodedCase>>()
  private readonly resize: readonly [number, number] | null

  constructor(
    readonly dataset: FolderDataset,
    { cacheBytes = 2 ** 30, resize = null }: StoreOptions = {},
  ) {
    this.cache = new ByteCache(cacheBytes)
    this.resize = resize
  }

  /** [H, W] of a case as `get` returns it. */
  sizeOf({ image: { header } }: SegmentationCase): readonly [number, number] {
    return this.resize ?? [header.height, header.width]
  }

  /** @throws SeptumError with case and file. */
  async get(entry: SegmentationCase): Promise<DecodedCase> {
    const kept = this.cache.get(entry.name)
    if (kept) return kept
    const running = this.underWay.get(entry.name)
    if (running) return running
    const work = this.load(entry)
    this.underWay.set(entry.name, work)
    try {
      return await work
    } finally {
      this.underWay.delete(entry.name)
    }
  }

  private async load(entry: SegmentationCase): Promise<DecodedCase> {
    const decoded = await loadCase(this.dataset, entry)
    const sized = this.resize ? resizeCase(decoded, this.resize) : decoded
    this.cache.set(entry.name, sized, bytesOf(sized))
    return sized
  }
}
