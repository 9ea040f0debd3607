import { assign } from '../hungarian.js'
import { type Overlap, type OverlapTable, objectCounts, objectPairs, pairIou } from './overlap-table.js'

/** One-to-one pairs of objects, and the objects that are left over, by their numbers in the table. */
export interface ObjectMatching {
  readonly pairs: readonly (Overlap & { readonly iou: number })[]
  readonly unmatchedPredicted: readonly number[]
  readonly unmatchedReference: readonly number[]
}

/**
 * Matches objects one to one. Above an IoU of 0.5 an object can have one partner only, so that nothing has to be
 * decided; below, the assignment with the largest sum of IoUs is taken (of AJI+, Kumar 2017 made one-to-one), group by
 * group of objects that touch each other.
 * @param above pairs count when their IoU is above this, in [0, 1).
 */
export function matchObjects(table: OverlapTable, above = 0.5): ObjectMatching {
  const candidates = objectPairs(table)
    .map((pair) => ({ ...pair, iou: pairIou(table, pair) }))
    .filter((pair) => pair.iou > above)
  const pairs = above >= 0.5 ? candidates : groups(candidates).flatMap(bestPairs)
  const { predicted, reference } = objectCounts(table)
  const usedPredicted = new Set(pairs.map((pair) => pair.predicted))
  const usedReference = new Set(pairs.map((pair) => pair.reference))
  const rest = (count: number, used: Set<number>) =>
    Array.from({ length: count }, (_, i) => i + 1).filter((object) => !used.has(object))
  return {
    pairs: pairs.sort((a, b) => a.predicted - b.predicted),
    unmatchedPredicted: rest(predicted, usedPredicted),
    unmatchedReference: rest(reference, usedReference),
  }
}

type Candidate = ObjectMatching['pairs'][number]

/** Splits pairs into groups that share no object: an assignment never crosses between them. */
function groups(pairs: readonly Candidate[]): Candidate[][] {
  const byPredicted = collect(pairs, (pair) => pair.predicted)
  const byReference = collect(pairs, (pair) => pair.reference)
  const seen = new Set<Candidate>()
  const found: Candidate[][] = []
  for (const start of pairs) {
    if (seen.has(start)) continue
    seen.add(start)
    const group = [start]
    for (let next = 0; next < group.length; next++) {
      const { predicted, reference } = group[next]!
      for (const other of [...byPredicted.get(predicted)!, ...byReference.get(reference)!]) {
        if (seen.has(other)) continue
        seen.add(other)
        group.push(other)
      }
    }
    found.push(group)
  }
  return found
}

function collect(pairs: readonly Candidate[], key: (pair: Candidate) => number): Map<number, Candidate[]> {
  const lists = new Map<number, Candidate[]>()
  for (const pair of pairs) {
    const list = lists.get(key(pair))
    if (list) list.push(pair)
    else lists.set(key(pair), [pair])
  }
  return lists
}

function bestPairs(group: Candidate[]): Candidate[] {
  if (group.length === 1) return group
  const rows = [...new Set(group.map((pair) => pair.predicted))]
  const columns = [...new Set(group.map((pair) => pair.reference))]
  const row = new Map(rows.map((object, i) => [object, i]))
  const column = new Map(columns.map((object, i) => [object, i]))
  const cost = new Float64Array(rows.length * columns.length)
  const cell = (pair: Candidate) => row.get(pair.predicted)! * columns.length + column.get(pair.reference)!
  for (const pair of group) cost[cell(pair)] = -pair.iou
  const chosen = assign(cost, rows.length, columns.length).columns
  return group.filter((pair) => chosen[row.get(pair.predicted)!] === column.get(pair.reference))
}
