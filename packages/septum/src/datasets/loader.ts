import { Random, SeptumError } from '@septum/core'
import type { AugmentationRecipe, Batch } from '../methods/method.js'
import { type BatchParameters, batchRepeats, drawBatch } from './augment/index.js'
import { type BatchMaking, makeDrawnBatch } from './batch.js'
import type { DecodedCase } from './case.js'
import type { SegmentationCase } from './dataset.js'
import { placePatch } from './sampling/patches.js'
import type { CaseSource } from './store.js'

export interface LoaderOptions {
  readonly store: CaseSource
  readonly cases: readonly SegmentationCase[]
  /** Parts of `cases` that take turns, so that every batch has as many of each as can be. Default: one part. */
  readonly turns?: readonly (readonly SegmentationCase[])[]
  /** Cases whose images come without masks, for recipes that ask for them. */
  readonly unlabelled?: readonly SegmentationCase[]
  /** [H, W] or [D, H, W] that the network sees: crops (zero-padded where an image is smaller). */
  readonly size: readonly number[]
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
  /** Distance of samples along each axis of the images, where all share it: rotations of volumes keep shapes. */
  readonly spacingMm?: readonly number[]
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

/** Labelled and unlabelled cases have orders of their own. */
const ORDER_STREAM = 0x0d
const UNLABELLED_STREAM = 0x0e

interface Asked {
  readonly labelled: readonly DecodedCase[]
  readonly unlabelled: readonly DecodedCase[]
}

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
  private readonly requests = new Map<number, Promise<Asked>>()
  private readonly orders = new Map<string, readonly SegmentationCase[]>()
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
    if (crop && crop.join() !== size.join()) {
      throw new SeptumError(
        'loader-size',
        `The crop of ${crop.join(' x ')} is not the ${size.join(' x ')} that the network sees`,
        'Give both the same size.',
        { option: 'crop' },
      )
    }
    const sizes = [...cases, ...(options.unlabelled ?? [])].map((entry) => store.sizeOf(entry))
    const flat = sizes.findIndex((one) => one.length !== size.length)
    if (flat >= 0) {
      throw new SeptumError(
        'loader-size',
        `The network sees ${size.join(' x ')}, but the image has ${sizes[flat]!.join(' x ')} samples`,
        'Give slices to networks for slices, and volumes to networks for volumes.',
        { case: [...cases, ...(options.unlabelled ?? [])][flat]!.name },
      )
    }
    const largest = size.map((_, axis) => sizes.reduce((most, one) => Math.max(most, one[axis]!), 0))
    const { spacingMm } = options
    const base = { size, device, recipe: augmentation, interpolation, largest }
    this.making = spacingMm ? { ...base, spacingMm } : base
  }

  /** Cases of a batch, in order. @param number from 0. */
  casesOf(number: number): SegmentationCase[] {
    const { batchSize, cases, turns } = this.options
    return this.take(number, batchSize, turns ?? [cases], ORDER_STREAM)
  }

  /** Unlabelled cases of a batch, in an endless order of their own. */
  unlabelledOf(number: number): SegmentationCase[] {
    const { unlabelled = [], augmentation } = this.options
    const count = augmentation?.unlabelled?.batchSize ?? 0
    return unlabelled.length === 0 || count === 0
      ? []
      : this.take(number, count, [unlabelled], UNLABELLED_STREAM)
  }

  /** Items of an endless sequence to which the parts contribute in turn, each in an order of its own. */
  private take(
    number: number,
    count: number,
    parts: readonly (readonly SegmentationCase[])[],
    which: number,
  ): SegmentationCase[] {
    const block = Math.floor(number / batchRepeats(this.options.augmentation?.multiScale))
    return Array.from({ length: count }, (_, index) => {
      const item = block * count + index
      const part = item % parts.length
      const turn = Math.floor(item / parts.length)
      const cases = parts[part]!
      return this.orderOf(Math.floor(turn / cases.length), cases, which, part)[turn % cases.length]!
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
    const { labelled, unlabelled } = await decoding
    this.requests.delete(number)
    this.waitMs += performance.now() - asked

    const parameters = this.draw(number, labelled)
    const { tensors, cutMs, applyMs } = makeDrawnBatch(labelled, unlabelled, parameters, this.making)
    this.cutMs += cutMs
    this.applyMs += applyMs
    this.batches++
    return { ...tensors, cases: [...parameters.names], step: Math.floor(number / accumulate) }
  }

  /**
   * What is drawn for a batch: plain data for a log, from which `replay` makes the batch again. Decodes its cases where
   * patches are placed by foreground.
   */
  async parameters(number: number): Promise<BatchParameters> {
    const { augmentation } = this.options
    return this.draw(number, augmentation?.patches ? (await this.request(number)).labelled : [])
  }

  /**
   * Makes a batch from logged parameters, whatever this loader's seed and recipe would have drawn.
   * @throws SeptumError `loader-case` for a case that the loader does not have.
   */
  async replay(parameters: BatchParameters): Promise<Batch> {
    const { store, cases, unlabelled = [], accumulate = 1 } = this.options
    const get = (names: readonly string[], from: readonly SegmentationCase[], bare: boolean) =>
      Promise.all(
        names.map((name) => {
          const entry = from.find((one) => one.name === name)
          if (entry) return store.get(entry, { unlabelled: bare })
          throw new SeptumError(
            'loader-case',
            'The logged batch holds a case that is not among the training cases',
            'Replay it with the data set and split of its run.',
            { case: name },
          )
        }),
      )
    const [labelled, bare] = await Promise.all([
      get(parameters.names, cases, false),
      get(parameters.unlabelled?.names ?? [], unlabelled, true),
    ])
    const { tensors } = makeDrawnBatch(labelled, bare, parameters, this.making)
    return { ...tensors, cases: [...parameters.names], step: Math.floor(parameters.number / accumulate) }
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

  private draw(number: number, decoded: readonly DecodedCase[]): BatchParameters {
    const { store, size, augmentation, seed, stream = 0 } = this.options
    const source = (entry: SegmentationCase) => ({ name: entry.name, size: store.sizeOf(entry) })
    const drawn = drawBatch(
      augmentation,
      this.casesOf(number).map(source),
      this.unlabelledOf(number).map(source),
      size,
      { seed, stream, number },
    )
    const { patches } = augmentation ?? {}
    if (!patches) return drawn
    const step = Math.floor(number / batchRepeats(augmentation?.multiScale))
    const cases = drawn.cases.map((one, index) => {
      const { foreground, size: own } = decoded[index]!
      const place =
        foreground &&
        placePatch(patches, foreground, own, size, drawn.cases.length, { seed, stream, step, index })
      return place ? { ...one, ...place } : one
    })
    return { ...drawn, cases }
  }

  private request(number: number): Promise<Asked> {
    const known = this.requests.get(number)
    if (known) return known
    const { store } = this.options
    const get = (entries: readonly SegmentationCase[], unlabelled: boolean) =>
      Promise.all(entries.map((entry) => store.get(entry, { unlabelled })))
    const work = Promise.all([get(this.casesOf(number), false), get(this.unlabelledOf(number), true)]).then(
      ([labelled, unlabelled]) => ({ labelled, unlabelled }),
    )
    // A batch that is never asked for must not end the process when its file is damaged.
    work.catch(() => {})
    this.requests.set(number, work)
    return work
  }

  private orderOf(
    epoch: number,
    cases: readonly SegmentationCase[],
    which: number,
    part: number,
  ): readonly SegmentationCase[] {
    const key = `${which} ${part} ${epoch}`
    const known = this.orders.get(key)
    if (known) return known
    const { seed, stream = 0 } = this.options
    // The first part has the order that it would have alone.
    const more = part === 0 ? [] : [part]
    const order = new Random(seed, which + 256 * stream, epoch, ...more).shuffle(cases)
    for (const old of this.orders.keys()) {
      const [whose, of, number] = old.split(' ').map(Number)
      if (whose === which && of === part && number! < epoch - 1) this.orders.delete(old)
    }
    this.orders.set(key, order)
    return order
  }
}
