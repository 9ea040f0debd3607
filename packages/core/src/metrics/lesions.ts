import { labelComponents } from '../topology/components.js'
import { assign } from './hungarian.js'

export interface LesionOptions {
  /** Neighbourhood that makes one lesion, default `full` (8 or 26). */
  readonly connectivity?: 'full' | 'cross'
  /**
   * 0 (default): one common pixel is enough. Above: lesions are matched one to one so that as many pairs as
   * possible have at least this IoU.
   */
  readonly leastIou?: number
}

/** Detection of lesions (connected components), whatever their size. */
export interface LesionScores {
  /** TP / (TP + (FP + FN) / 2), in [0, 1]. */
  readonly lesionF1: number
  /** Share of the predicted lesions that are true. */
  readonly lesionPrecision: number
  /** Share of the reference's lesions that are found. */
  readonly lesionRecall: number
  /** Reference lesions found. */
  readonly truePositives: number
  /** Predicted lesions that touch no lesion of the reference (or have no partner). */
  readonly falsePositives: number
  readonly falseNegatives: number
}

/**
 * Lesion-wise detection as in ISLES 2022: a lesion of the reference is found when the prediction marks any
 * part of it, a predicted lesion is false when it touches none. No lesion on both sides: scores 1; lesions
 * on one side only: 0.
 * @param shape [H, W] or [D, H, W]. @throws SeptumError `metric-shape`.
 */
export function lesionScores(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  options: LesionOptions = {},
): LesionScores {
  const { connectivity = 'full', leastIou = 0 } = options
  const volume = shape.length === 3
  const neighbours = connectivity === 'full' ? (volume ? 26 : 8) : volume ? 6 : 4
  const a = labelComponents(prediction, shape, neighbours)
  const b = labelComponents(reference, shape, neighbours)
  const overlaps = new Map<number, number>()
  const sizeA = new Int32Array(a.count + 1)
  const sizeB = new Int32Array(b.count + 1)
  for (let i = 0; i < a.labels.length; i++) {
    const labelA = a.labels[i]!
    const labelB = b.labels[i]!
    sizeA[labelA]!++
    sizeB[labelB]!++
    if (labelA === 0 || labelB === 0) continue
    const key = labelA * (b.count + 1) + labelB
    overlaps.set(key, (overlaps.get(key) ?? 0) + 1)
  }
  const pairs = [...overlaps]
    .map(([key, both]) => {
      const first = Math.floor(key / (b.count + 1))
      const second = key % (b.count + 1)
      return { first, second, iou: both / (sizeA[first]! + sizeB[second]! - both) }
    })
    .filter((pair) => pair.iou >= leastIou)
  const found = leastIou > 0 ? matched(pairs) : new Set(pairs.map((pair) => pair.second)).size
  const confirmed = leastIou > 0 ? found : new Set(pairs.map((pair) => pair.first)).size
  const falsePositives = a.count - confirmed
  const falseNegatives = b.count - found
  const empty = a.count + b.count === 0
  const share = (part: number, whole: number) => (empty ? 1 : whole === 0 ? 0 : part / whole)
  return {
    lesionF1: share(found, found + (falsePositives + falseNegatives) / 2),
    lesionPrecision: share(confirmed, a.count),
    lesionRecall: share(found, b.count),
    truePositives: found,
    falsePositives,
    falseNegatives,
  }
}

/** Largest number of one-to-one pairs. */
function matched(pairs: readonly { readonly first: number; readonly second: number }[]): number {
  if (pairs.length === 0) return 0
  const rows = [...new Set(pairs.map((pair) => pair.first))]
  const columns = [...new Set(pairs.map((pair) => pair.second))]
  const cost = new Float64Array(rows.length * columns.length)
  for (const pair of pairs)
    cost[rows.indexOf(pair.first) * columns.length + columns.indexOf(pair.second)] = -1
  return Math.round(-assign(cost, rows.length, columns.length).cost)
}
