import { type OverlapTable, objectCounts, objectPairs } from './overlap-table.js'

/** The object of the other side that covers most of each object, 0: none; of equal overlaps the lowest label. */
export function mostOverlapping(table: OverlapTable): { ofPredicted: Int32Array; ofReference: Int32Array } {
  const { predicted, reference } = objectCounts(table)
  const ofPredicted = new Int32Array(predicted + 1)
  const ofReference = new Int32Array(reference + 1)
  const mostPredicted = new Int32Array(predicted + 1)
  const mostReference = new Int32Array(reference + 1)
  // Pairs ascend by both numbers, so that only a larger overlap may replace an earlier object.
  for (const pair of objectPairs(table)) {
    if (pair.both > mostPredicted[pair.predicted]!) {
      mostPredicted[pair.predicted] = pair.both
      ofPredicted[pair.predicted] = pair.reference
    }
    if (pair.both > mostReference[pair.reference]!) {
      mostReference[pair.reference] = pair.both
      ofReference[pair.reference] = pair.predicted
    }
  }
  return { ofPredicted, ofReference }
}

/**
 * Object-level Dice of the GlaS challenge (Sirinukunwattana et al. 2017), in [0, 1]: half the area-weighted mean Dice of
 * each predicted object with the reference object that it overlaps most, half the same the other way round. An object
 * without partner counts 0. No object on either side 1, on one side 0.
 */
export function objectDice(table: OverlapTable): number {
  const { predicted, reference } = objectCounts(table)
  if (predicted + reference === 0) return 1
  if (predicted === 0 || reference === 0) return 0
  const { predictedSizes, referenceSizes } = table
  const common = new Map(
    objectPairs(table).map((pair) => [pair.predicted * (reference + 1) + pair.reference, pair.both]),
  )
  const dice = (p: number, r: number) =>
    p === 0 || r === 0
      ? 0
      : (2 * common.get(p * (reference + 1) + r)!) / (predictedSizes[p]! + referenceSizes[r]!)
  const { ofPredicted, ofReference } = mostOverlapping(table)
  return (
    (weightedMean(predictedSizes, (p) => dice(p, ofPredicted[p]!)) +
      weightedMean(referenceSizes, (r) => dice(ofReference[r]!, r))) /
    2
  )
}

/** Mean over objects 1 to n of a score, each weighted by its size. */
export function weightedMean(sizes: Int32Array, score: (object: number) => number): number {
  let sum = 0
  let area = 0
  for (let object = 1; object < sizes.length; object++) {
    sum += sizes[object]! * score(object)
    area += sizes[object]!
  }
  return sum / area
}

/**
 * Detection F1 of the GlaS challenge, in [0, 1]: a predicted object is a true positive when it covers at least half of
 * the reference object that it overlaps most; a reference object that none covers so is missed.
 * No object on either side 1, on one side 0.
 */
export function glasF1(table: OverlapTable): number {
  const { predicted, reference } = objectCounts(table)
  if (predicted + reference === 0) return 1
  const { ofPredicted } = mostOverlapping(table)
  let hits = 0
  const found = new Set<number>()
  for (const { predicted: p, reference: r, both } of objectPairs(table)) {
    if (ofPredicted[p] !== r || 2 * both < table.referenceSizes[r]!) continue
    hits++
    found.add(r)
  }
  const falsePositives = predicted - hits
  const falseNegatives = reference - found.size
  return (2 * hits) / (2 * hits + falsePositives + falseNegatives)
}
