import { assign } from '../metrics/hungarian.js'
import type { Bar } from './diagram.js'

type Interval = Pick<Bar, 'birth' | 'death'>

export interface DiagramMatching {
  /** Wasserstein distance. */
  readonly distance: number
  /** For each bar of the first list its partner in the second, -1: the diagonal. */
  readonly partners: Int32Array
}

/**
 * Wasserstein matching of two barcodes of one dimension: bars are paired with each other or with the diagonal so
 * that the sum of the costs is least. The ground distance is the larger difference of birth and death (L-infinity),
 * |death - birth| / 2 to the diagonal; order 1 is GUDHI's default. It does not know where features lie.
 * @param first, second finite bars. @param order power of the distances, 1 or above.
 * @throws SeptumError `assignment-cost` for an infinite bar.
 */
export function wassersteinMatching(
  first: readonly Interval[],
  second: readonly Interval[],
  order = 1,
): DiagramMatching {
  const n = first.length
  const m = second.length
  const size = n + m
  const toDiagonal = ({ birth, death }: Interval) => (Math.abs(death - birth) / 2) ** order
  const cost = new Float64Array(size * size)
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const a = i < n ? first[i]! : undefined
      const b = j < m ? second[j]! : undefined
      if (a && b) {
        cost[i * size + j] = Math.max(Math.abs(a.birth - b.birth), Math.abs(a.death - b.death)) ** order
      } else if (a || b) cost[i * size + j] = toDiagonal((a ?? b)!)
    }
  }
  const { columns, cost: total } = assign(cost, size, size)
  const partners = columns.subarray(0, n).map((column) => (column < m ? column : -1))
  return { distance: total ** (1 / order), partners }
}
