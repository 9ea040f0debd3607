import type { Batch } from '../methods/method.js'
import { centreParameters } from './augment/index.js'
import { freeBatch, makeBatch } from './batch.js'
import type { SegmentationCase } from './dataset.js'
import type { CaseSource } from './store.js'

export interface EvaluationOptions {
  readonly batchSize: number
  /** [H, W] or [D, H, W] that the network sees: centre crops, zero-padded where an image is smaller. */
  readonly size: readonly number[]
  readonly device?: string
}

/**
 * Batches for validation and test: cases in the given order, centre crops, no augmentation; the last batch
 * may be smaller. The next batch is decoded meanwhile. A batch's tensors are freed when the next one is
 * asked for.
 * @throws SeptumError with case and file when one cannot be read.
 */
export async function* evaluationBatches(
  store: CaseSource,
  cases: readonly SegmentationCase[],
  { batchSize, size, device = 'cpu' }: EvaluationOptions,
): AsyncGenerator<Batch, void, undefined> {
  const decode = (from: number) => {
    const work = Promise.all(cases.slice(from, from + batchSize).map((entry) => store.get(entry)))
    work.catch(() => {})
    return work
  }
  let next = decode(0)
  for (let from = 0; from < cases.length; from += batchSize) {
    const decoded = await next
    next = decode(from + batchSize)
    const entries = cases.slice(from, from + batchSize)
    const parameters = decoded.map((one) => centreParameters(one.size, size))
    const making = { size, device, recipe: undefined, interpolation: 'nearest', largest: size } as const
    const { tensors } = makeBatch(decoded, parameters, making)
    try {
      yield { ...tensors, cases: entries.map(({ name }) => name), step: 0 }
    } finally {
      freeBatch(tensors)
    }
  }
}
