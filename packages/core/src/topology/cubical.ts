import { SeptumError } from '../error.js'
import type { Level, PersistenceDiagram } from './diagram.js'
import { type GreyMap, type PixelOrder, pixelAt, sortPixels } from './pixel-order.js'

export interface PersistenceOptions {
  readonly level: Level
  /**
   * 4: pixels are vertices and larger cells take the latest value of their pixels (V-construction, GUDHI's
   * "vertices", CubicalRipser's default). 8: pixels are squares and smaller cells take the earliest value
   * (T-construction).
   */
  readonly connectivity: 4 | 8
  /** Leave the holes out: less than half of the work. */
  readonly componentsOnly?: boolean
}

/**
 * Persistent homology of a picture in dimensions 0 and 1, with the pixels where each feature is born and
 * dies. Components by union-find with the elder rule; holes as components of the complement in reversed
 * order (Alexander duality). Ties are broken by (value, raster position), which gives the pairs of the full
 * boundary matrix in that order of cells.
 * @param values [height, width]. @param shape [height, width].
 * @throws SeptumError `metric-shape`, `topology-shape`, `topology-values`, `topology-connectivity`.
 */
export function cubicalPersistence(
  values: GreyMap,
  shape: readonly number[],
  { level, connectivity, componentsOnly = false }: PersistenceOptions,
): PersistenceDiagram {
  if (connectivity !== 4 && connectivity !== 8) {
    throw new SeptumError(
      'topology-connectivity',
      `A picture has no ${connectivity}-neighbourhood`,
      'Give 4 or 8.',
    )
  }
  const order = sortPixels(values, shape, { descending: level === 'superlevel' })
  return {
    shape: [order.height, order.width],
    level,
    connectivity,
    essential: pixelAt(order.place[0]!, order.stride),
    components: toPixels(componentPairs(order, connectivity), order),
    holes: componentsOnly ? new Int32Array(0) : toPixels(holePairs(order, connectivity === 4 ? 8 : 4), order),
  }
}

/** Steps to the neighbours in a framed picture. */
function neighbourSteps(stride: number, connectivity: 4 | 8): Int32Array {
  const cross = [-stride, -1, 1, stride]
  const corners = [-stride - 1, -stride + 1, stride - 1, stride + 1]
  return Int32Array.from(connectivity === 4 ? cross : [...cross, ...corners])
}

/**
 * Ranks of birth and death of the components, [pairs, 2]. A pixel is named by its rank; a root is always the
 * oldest pixel of its component, so that it is the birth as well.
 */
export function componentPairs(order: PixelOrder, connectivity: 4 | 8): number[] {
  const { place, rank, level, stride } = order
  const steps = neighbourSteps(stride, connectivity)
  const parent = new Int32Array(place.length)
  const pairs: number[] = []
  for (let k = 0; k < place.length; k++) {
    parent[k] = k
    const at = place[k]!
    let own = k
    for (let n = 0; n < steps.length; n++) {
      let other = rank[at + steps[n]!]!
      // Later pixels have not entered yet; the frame has the largest rank of all.
      if (other >= k) continue
      while (parent[other] !== other) {
        parent[other] = parent[parent[other]!]!
        other = parent[other]!
      }
      if (other === own) continue
      const younger = other > own ? other : own
      own = other > own ? own : other
      if (level[younger] !== level[k]) pairs.push(younger, k)
      parent[younger] = own
    }
  }
  return pairs
}

/** Ranks of birth and death of the holes, whose pixels are connected by `connectivity`. */
export function holePairs(order: PixelOrder, connectivity: 4 | 8): number[] {
  const { place, rank, level, stride } = order
  const outside = place.length
  const steps = neighbourSteps(stride, connectivity)
  const parent = new Int32Array(outside + 1)
  parent[outside] = outside
  const pairs: number[] = []
  for (let k = outside - 1; k >= 0; k--) {
    parent[k] = k
    const at = place[k]!
    let own = k
    for (let n = 0; n < steps.length; n++) {
      // The frame's rank is that of the outside, the oldest component of the complement.
      let other = rank[at + steps[n]!]!
      if (other <= k) continue
      while (parent[other] !== other) {
        parent[other] = parent[parent[other]!]!
        other = parent[other]!
      }
      if (other === own) continue
      const younger = other < own ? other : own
      own = other < own ? own : other
      if (level[younger] !== level[k]) pairs.push(k, younger)
      parent[younger] = own
    }
  }
  return pairs
}

function toPixels(ranks: number[], { place, stride }: PixelOrder): Int32Array {
  const pixels = new Int32Array(ranks.length)
  for (let i = 0; i < pixels.length; i++) pixels[i] = pixelAt(place[ranks[i]!]!, stride)
  return pixels
}
