import { ByteCache } from './cache.js'
import { bytesOf, type DecodedCase, type DecodeSettings, loadCase, withForeground } from './case.js'
import { CaseDiskCache } from './case-disk-cache.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'
import type { DiskCache } from './disk-cache/index.js'
import { type Preprocessing, preprocessedSize } from './preprocess/index.js'
import { resizeCase } from './resize.js'

export interface StoreOptions {
  /** Bytes of decoded cases to keep. Default 1 GiB. */
  readonly cacheBytes?: number
  /** Size that every case is resized to on arrival, [H, W] for slices too; null leaves sizes as they are. */
  readonly resize?: readonly number[] | null
  /** What is done to geometry and values on arrival; null leaves them as the files hold them. */
  readonly preprocessing?: Preprocessing | null
  /** Finds the places of foreground, for patch sampling. */
  readonly foreground?: boolean
  /** Keeps what was made of the files between runs. */
  readonly disk?: DiskCache | null
  /** Decodes elsewhere, e.g. on the threads of a `DecodePool`. Default: here. */
  readonly decode?: (entry: SegmentationCase, settings: DecodeSettings) => Promise<DecodedCase>
}

/** Where decoded cases come from: a data set, or several as one. */
export interface CaseSource {
  readonly dataset: FolderDataset
  /** [H, W] or [D, H, W] of a case as `get` returns it. */
  sizeOf(entry: SegmentationCase): readonly number[]
  /**
   * @param unlabelled the image alone: masks are neither needed nor read.
   * @throws SeptumError with case and file.
   */
  get(entry: SegmentationCase, options?: { readonly unlabelled?: boolean }): Promise<DecodedCase>
}

/** Decoded cases of a data set, as the files hold them or preprocessed, the last used ones kept. */
export class CaseStore implements CaseSource {
  private readonly cache: ByteCache<DecodedCase>
  private readonly underWay = new Map<string, Promise<DecodedCase>>()
  private readonly resize: readonly number[] | null
  private readonly settings: DecodeSettings
  private readonly decode: NonNullable<StoreOptions['decode']>
  private readonly disk: CaseDiskCache | null

  constructor(
    readonly dataset: FolderDataset,
    {
      cacheBytes = 2 ** 30,
      resize = null,
      preprocessing = null,
      foreground = false,
      disk = null,
      decode = (entry, settings) => loadCase(dataset, entry, settings),
    }: StoreOptions = {},
  ) {
    this.cache = new ByteCache(cacheBytes)
    this.resize = resize
    this.settings = { preprocessing, foreground }
    this.decode = decode
    this.disk = disk && new CaseDiskCache(disk, dataset)
  }

  /** [H, W] or [D, H, W] of a case as `get` returns it. */
  sizeOf({ shape, geometry }: SegmentationCase): readonly number[] {
    const { preprocessing } = this.settings
    const size = preprocessing ? preprocessedSize(shape.slice(1), geometry, preprocessing) : shape.slice(1)
    if (!this.resize) return size
    return [...size.slice(0, size.length - this.resize.length), ...this.resize]
  }

  /**
   * @param unlabelled the image alone: masks are neither needed nor read.
   * @throws SeptumError with case and file.
   */
  async get(entry: SegmentationCase, { unlabelled = false } = {}): Promise<DecodedCase> {
    const key = `${unlabelled ? 'image' : 'case'} ${entry.name}`
    const kept = this.cache.get(key)
    if (kept) return kept
    const running = this.underWay.get(key)
    if (running) return running
    const work = this.load(key, entry, unlabelled)
    this.underWay.set(key, work)
    try {
      return await work
    } finally {
      this.underWay.delete(key)
    }
  }

  private async load(key: string, entry: SegmentationCase, unlabelled: boolean): Promise<DecodedCase> {
    const settings = { ...this.settings, unlabelled }
    const make = async () => {
      const decoded = await this.decode(entry, settings)
      if (!this.resize) return decoded
      const resized = resizeCase(decoded, this.resize)
      return settings.foreground && !resized.foreground ? withForeground(resized) : resized
    }
    const sized = this.disk
      ? await this.disk.get(entry, { ...settings, resize: this.resize }, make)
      : await make()
    this.cache.set(key, sized, bytesOf(sized))
    return sized
  }
}
