import { matchObjects } from './matching.js'
import { type Overlap, type OverlapTable, objectCounts, objectPairs, pairIou } from './overlap-table.js'

/**
 * Aggregated Jaccard index (Kumar et al. 2017), in [0, 1]: every reference object takes the predicted object of highest
 * IoU, which may serve several times; the sum of the intersections over the sum of the unions, to which come the areas
 * of reference objects without overlap and of predicted objects that nobody took. Of equal IoUs the lowest label wins,
 * as in HoVer-Net's program. No object on either side 1, on one side 0.
 */
export function aji(table: OverlapTable): number {
  const best = new Map<number, Overlap & { iou: number }>()
  for (const pair of objectPairs(table)) {
    const iou = pairIou(table, pair)
    // Pairs come in ascending order of predicted labels.
    if (iou > (best.get(pair.reference)?.iou ?? 0)) best.set(pair.reference, { ...pair, iou })
  }
  return aggregated(table, [...best.values()])
}

/**
 * AJI+ (Graham et al. 2019): as AJI, but objects are paired one to one, with the largest sum of IoUs.
 */
export function ajiPlus(table: OverlapTable): number {
  return aggregated(table, matchObjects(table, 0).pairs)
}

function aggregated(table: OverlapTable, pairs: readonly Overlap[]): number {
  const { predicted, reference } = objectCounts(table)
  if (predicted + reference === 0) return 1
  const { predictedSizes, referenceSizes } = table
  let common = 0
  let union = 0
  const usedPredicted = new Set<number>()
  const usedReference = new Set<number>()
  for (const pair of pairs) {
    common += pair.both
    union += predictedSizes[pair.predicted]! + referenceSizes[pair.reference]! - pair.both
    usedPredicted.add(pair.predicted)
    usedReference.add(pair.reference)
  }
  for (let object = 1; object <= predicted; object++)
    if (!usedPredicted.has(object)) union += predictedSizes[object]!
  for (let object = 1; object <= reference; object++)
    if (!usedReference.has(object)) union += referenceSizes[object]!
  return common / union
}
