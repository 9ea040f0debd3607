import type { OverlapTable } from './overlap-table.js'

export interface PartitionOptions {
  /** Leave out pixels that are background in the reference. Default: background is a segment like others. */
  readonly ignoreBackground?: boolean
}

export interface VariationOfInformation {
  /** split + merge, in bits. */
  readonly voi: number
  /** H(prediction | reference): what the prediction splits. */
  readonly split: number
  /** H(reference | prediction): what the prediction merges. */
  readonly merge: number
}

/**
 * Variation of information (Meila 2007) of two partitions of the pixels, in bits; 0 when they are equal up to names.
 * Without any pixel to compare 0.
 */
export function variationOfInformation(
  table: OverlapTable,
  options: PartitionOptions = {},
): VariationOfInformation {
  const { cells, predicted, reference, pixels } = counted(table, options)
  let split = 0
  let merge = 0
  for (const { both, predicted: p, reference: r } of cells) {
    split -= (both / pixels) * Math.log2(both / reference[r]!)
    merge -= (both / pixels) * Math.log2(both / predicted[p]!)
  }
  // 0 - 0 is 0, but -(1) * log2(1) is -0.
  return { voi: split + merge + 0, split: split + 0, merge: merge + 0 }
}

/**
 * Rand index of two partitions, adjusted for chance (Hubert and Arabie 1985), at most 1; as scikit-learn's
 * `adjusted_rand_score`, 1 for two partitions without any pair to disagree on.
 */
export function adjustedRandIndex(table: OverlapTable, options: PartitionOptions = {}): number {
  const { cells, predicted, reference, pixels } = counted(table, options)
  const together = pairsWithin(cells.map((cell) => cell.both))
  const inPredicted = pairsWithin(predicted)
  const inReference = pairsWithin(reference)
  // Nothing is together in one partition and apart in the other.
  if (together === inPredicted && together === inReference) return 1
  const expected = (inPredicted * inReference) / ((pixels * (pixels - 1)) / 2)
  return (together - expected) / ((inPredicted + inReference) / 2 - expected)
}

export interface AdaptedRand {
  /** 2 precision recall / (precision + recall); the "adapted Rand error" is 1 minus this. */
  readonly f: number
  /** Share of the pixel pairs within a predicted segment that lie in one reference object. */
  readonly precision: number
  readonly recall: number
}

/**
 * Adapted Rand F of the SNEMI3D challenge (Arganda-Carreras et al. 2015), in [0, 1]: only pixels of the reference's
 * objects count, as in `skimage.metrics.adapted_rand_error`. NaN where the reference has no two pixels in one object or
 * the prediction puts no two of them together; 1 when neither side has an object.
 */
export function adaptedRand(table: OverlapTable): AdaptedRand {
  if (table.predictedSizes.length + table.referenceSizes.length === 2)
    return { f: 1, precision: 1, recall: 1 }
  const { cells, predicted, reference } = counted(table, { ignoreBackground: true })
  const together = pairsWithin(cells.map((cell) => cell.both))
  const precision = together / pairsWithin(predicted)
  const recall = together / pairsWithin(reference)
  return { f: (2 * precision * recall) / (precision + recall), precision, recall }
}

/** Pairs of pixels that lie in one cell. */
function pairsWithin(sizes: ArrayLike<number>): number {
  let pairs = 0
  for (let i = 0; i < sizes.length; i++) pairs += (sizes[i]! * (sizes[i]! - 1)) / 2
  return pairs
}

function counted(table: OverlapTable, { ignoreBackground = false }: PartitionOptions) {
  if (!ignoreBackground) {
    const { pairs: cells, predictedSizes: predicted, referenceSizes: reference, pixels } = table
    return { cells, predicted, reference, pixels }
  }
  const cells = table.pairs.filter((pair) => pair.reference > 0)
  const predicted = new Int32Array(table.predictedSizes.length)
  for (const cell of cells) predicted[cell.predicted]! += cell.both
  const reference = table.referenceSizes.slice()
  reference[0] = 0
  return { cells, predicted, reference, pixels: table.pixels - table.referenceSizes[0]! }
}
