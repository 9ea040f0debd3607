import { Random, SeptumError } from '@septum/core'
import type { AugmentationRecipe, Batch } from '../methods/method.js'
import { centreParameters, drawParameters } from './augment/index.js'
import { type BatchMaking, makeBatch } from './batch.js'
import type { DecodedCase } from './case.js'
import type { SegmentationCase } from './dataset.js'
import type { CaseStore } from './store.js'

export interface LoaderOptions {
  readonly store: CaseStore
  readonly cases: readonly SegmentationCase[]
  /** [H, W] that the network sees: crops (zero-padded where an image is smaller). */
  readonly size: readonly [height: number, width: number]
  readonly batchSize: number
  readonly seed: number
  /** Number of the training phase: phases of one seed see different orders and transforms. */
  readonly stream?: number
  readonly device?: string
  /** None: centre crops as in validation. */
  readonly augmentation?: AugmentationRecipe
  readonly interpolation?: 'bilinear' | 'nearest'
  /** Batches to an optimiser step, for `Batch.step`. */
  readonly accumulate?: number
  /** Batches decoded in advance. Bounds what is decoded or waiting at any time. */
  readonly ahead?: number
}

/** Where the time of a loader went, in milliseconds since the first batch was asked for. */
export interface LoaderTimes {
  readonly batches: number
  /** Waiting for decoded files. */
  readonly waitMs: number
  /** Copying windows into a batch. */
  readonly cutMs: number
  /** Upload and augmentation, as far as the device does it at once. */
  readonly applyMs: number
  readonly elapsedMs: number
  /** Share of the elapsed time in which a step could not begin for lack of data: (wait + cut) / elapsed. */
  readonly waitShare: number
}

const ORDER_STREAM = 0x0d

/**
 * Training batches by number. Batch number k holds items k·batchSize … of an endless sequence in which
 * every epoch is a new permutation of the cases, so that each case comes exactly once an epoch. Order and
 * augmentation are functions of (seed, stream, number): a resumed run asks for the next number, and gets
 * what the uninterrupted run would have got. The loader keeps no other state.
 *
 * Files of the next `ahead` batches are decoded on the decoder's own threads meanwhile.
 */
export class TrainingLoader {
  private readonly making: BatchMaking
  private readonly requests = new Map<number, Promise<DecodedCase[]>>()
  private readonly orders = new Map<number, readonly SegmentationCase[]>()
  private firstAsked: number | undefined
  private batches = 0
  private waitMs = 0
  private cutMs = 0
  private applyMs = 0

  /** @throws SeptumError `loader-empty` without cases, `loader-size` for a crop that is not the recipe's. */
  constructor(private readonly options: LoaderOptions) {
    const {
      store,
      cases,
      size,
      augmentation,
      batchSize,
      interpolation = 'bilinear',
      device = 'cpu',
    } = options
    if (cases.length === 0 || !(Number.isInteger(batchSize) && batchSize > 0)) {
      throw new SeptumError(
        'loader-empty',
        `Batches of ${batchSize} cannot be made from ${cases.length} training cases`,
        'Check the split and the batch size.',
        { file: store.dataset.dir },
      )
    }
    const crop = augmentation?.crop
    if (crop && (crop[0] !== size[0] || crop[1] !== size[1])) {
      throw new SeptumError(
        'loader-size',
        `The crop of ${crop.join(' x ')} is not the ${size.join(' x ')} that the network sees`,
        'Give both the same size.',
        { option: 'crop' },
      )
    }
    const sizes = cases.map((entry) => store.sizeOf(entry))
    const largest = [0, 1].map((axis) => sizes.reduce((most, one) => Math.max(most, one[axis]!), 0))
    this.making = { size, device, recipe: augmentation, interpolation, largest: [largest[0]!, largest[1]!] }
  }

  /** Cases of a batch, in order. @param number from 0. */
  casesOf(number: number): SegmentationCase[] {
    const { batchSize, cases } = this.options
    return Array.from({ length: batchSize }, (_, index) => {
      const item = number * batchSize + index
      return this.orderOf(Math.floor(item / cases.length))[item % cases.length]!
    })
  }

  /**
   * The batch of a number, from 0; ask in ascending order for decoding ahead to help. The caller frees its
   * tensors (`freeBatch`).
   * @throws SeptumError with case and file when one cannot be read.
   */
  async batch(number: number): Promise<Batch> {
    const { ahead = 2, accumulate = 1 } = this.options
    const asked = performance.now()
    this.firstAsked ??= asked
    for (const other of this.requests.keys()) {
      if (other < number || other > number + ahead) this.requests.delete(other)
    }
    const decoding = this.request(number)
    for (let next = number + 1; next <= number + ahead; next++) this.request(next)
    const decoded = await decoding
    this.requests.delete(number)
    this.waitMs += performance.now() - asked

    const entries = this.casesOf(number)
    const parameters = entries.map((entry, index) => this.parametersOf(entry, number, index))
    const { tensors, cutMs, applyMs } = makeBatch(decoded, parameters, this.making)
    this.cutMs += cutMs
    this.applyMs += applyMs
    this.batches++
    return { ...tensors, cases: entries.map(({ name }) => name), step: Math.floor(number / accumulate) }
  }

  get times(): LoaderTimes {
    const { batches, waitMs, cutMs, applyMs } = this
    const elapsedMs = this.firstAsked === undefined ? 0 : performance.now() - this.firstAsked
    return {
      batches,
      waitMs,
      cutMs,
      applyMs,
      elapsedMs,
      waitShare: elapsedMs > 0 ? (waitMs + cutMs) / elapsedMs : 0,
    }
  }

  private parametersOf(entry: SegmentationCase, step: number, index: number) {
    const { store, size, augmentation, seed, stream = 0 } = this.options
    const source = store.sizeOf(entry)
    if (!augmentation) return centreParameters(source, size)
    const recipe = augmentation.crop ? augmentation : { ...augmentation, cropAt: 'centre' as const }
    return drawParameters(recipe, source, size, { seed, stream, step, index })
  }

  private request(number: number): Promise<DecodedCase[]> {
    const known = this.requests.get(number)
    if (known) return known
    const work = Promise.all(this.casesOf(number).map((entry) => this.options.store.get(entry)))
    // A batch that is never asked for must not end the process when its file is damaged.
    work.catch(() => {})
    this.requests.set(number, work)
    return work
  }

  private orderOf(epoch: number): readonly SegmentationCase[] {
    const known = this.orders.get(epoch)
    if (known) return known
    const { seed, stream = 0, cases } = this.options
    const order = new Random(seed, ORDER_STREAM + 256 * stream, epoch).shuffle(cases)
    for (const old of this.orders.keys()) if (old < epoch - 1) this.orders.delete(old)
    this.orders.set(epoch, order)
    return order
  }
}
