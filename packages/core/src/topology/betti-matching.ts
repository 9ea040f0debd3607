import { SeptumError } from '../error.js'
import { componentPairs } from './cubical.js'
import type { Level } from './diagram.js'
import { dualPass, squareOrder } from './dual-pass.js'
import { type GreyMap, type PixelOrder, pixelAt, sortPixels } from './pixel-order.js'

/** Which features of two pictures are the same, in one dimension; pixels row by row. */
export interface FeatureMatches {
  /** [pairs, 4]: birth and death in the first picture, birth and death in the second; death -1: never. */
  readonly matched: Int32Array
  /** [features, 2]: birth and death of the features of the first picture without a partner. */
  readonly onlyFirst: Int32Array
  /** [features, 2], of the second. */
  readonly onlySecond: Int32Array
}

export interface BettiMatching {
  readonly components: FeatureMatches
  readonly holes: FeatureMatches
}

/**
 * Betti matching of two pictures through their union (Stucki et al. 2023, induced matching of the inclusions
 * of both filtrations into that of the pixelwise minimum or, for a superlevel filtration, maximum).
 * V-construction: pixels of a level set are 4-connected, holes 8-connected. Equal values are ordered as in
 * the authors' program (later pixel of the raster first), so that the matching is theirs on binary masks
 * too. A component is matched where, at the moment at which it is swallowed in the union, it carries a birth
 * of both pictures; the two components that never die are always matched, even when nothing overlaps.
 * @param first, second [height, width], same value range. @param level `superlevel` for probabilities.
 * @throws SeptumError `metric-shape`, `topology-shape`, `topology-values`.
 */
export function bettiMatching(
  first: GreyMap,
  second: GreyMap,
  shape: readonly number[],
  level: Level,
): BettiMatching {
  const sorting = { descending: level === 'superlevel', lastFirst: true }
  const a = sortPixels(first, shape, sorting)
  const b = sortPixels(second, shape, sorting)
  const union = sortPixels(unionOf(first, second, level), shape, sorting)
  return { components: matchComponents(a, b, union), holes: matchHoles(a, b, union) }
}

/** The picture whose level sets are the unions of both pictures' level sets. */
function unionOf(first: GreyMap, second: GreyMap, level: Level): GreyMap {
  if (first.length !== second.length) {
    throw new SeptumError(
      'metric-shape',
      `The pictures have ${first.length} and ${second.length} pixels`,
      'Bring both to the same size first.',
    )
  }
  const bytes = first instanceof Uint8Array && second instanceof Uint8Array
  const union = bytes ? new Uint8Array(first.length) : new Float64Array(first.length)
  const larger = level === 'superlevel'
  for (let i = 0; i < union.length; i++) {
    const [x, y] = [first[i]!, second[i]!]
    union[i] = x > y === larger ? x : y
  }
  return union
}

function matchComponents(a: PixelOrder, b: PixelOrder, union: PixelOrder): FeatureMatches {
  const deathA = componentDeaths(a)
  const deathB = componentDeaths(b)
  const { place, rank, level, stride } = union
  const pixels = place.length
  // A node is a rank of the union; its root is the oldest of its component in that order.
  const parent = new Int32Array(pixels)
  const oldestA = new Int32Array(pixels)
  const oldestB = new Int32Array(pixels)
  const steps = [1, stride, -1, -stride]
  const matches = new Matches(a, b)
  matches.add(0, -1, 0, -1)
  for (let k = 0; k < pixels; k++) {
    const at = place[k]!
    parent[k] = k
    oldestA[k] = a.rank[at]!
    oldestB[k] = b.rank[at]!
    let own = k
    for (let n = 0; n < 4; n++) {
      let other = rank[at + steps[n]!]!
      if (other >= k) continue
      while (parent[other] !== other) {
        parent[other] = parent[parent[other]!]!
        other = parent[other]!
      }
      if (other === own) continue
      const younger = other > own ? other : own
      own = other > own ? own : other
      parent[younger] = own
      const laterA = Math.max(oldestA[own]!, oldestA[younger]!)
      const laterB = Math.max(oldestB[own]!, oldestB[younger]!)
      oldestA[own] = Math.min(oldestA[own]!, oldestA[younger]!)
      oldestB[own] = Math.min(oldestB[own]!, oldestB[younger]!)
      if (level[younger] === level[k] || deathA[laterA]! < 0 || deathB[laterB]! < 0) continue
      matches.add(laterA, deathA[laterA]!, laterB, deathB[laterB]!)
      deathA[laterA] = -1
      deathB[laterB] = -1
    }
  }
  for (let k = 0; k < pixels; k++) {
    if (deathA[k]! >= 0) matches.addFirst(k, deathA[k]!)
    if (deathB[k]! >= 0) matches.addSecond(k, deathB[k]!)
  }
  return matches.done()
}

/** For each birth rank the rank of its death, -1 where it is no feature of its own or never dies. */
function componentDeaths(order: PixelOrder): Int32Array {
  const deaths = new Int32Array(order.place.length).fill(-1)
  const pairs = componentPairs(order, 4)
  for (let i = 0; i < pairs.length; i += 2) deaths[pairs[i]!] = pairs[i + 1]!
  return deaths
}

function matchHoles(a: PixelOrder, b: PixelOrder, union: PixelOrder): FeatureMatches {
  const unionKeys = squareOrder(union)
  const ofUnion = dualPass(union, unionKeys, unionKeys)
  const isUnionHole = new Uint8Array(unionKeys.length)
  for (const square of ofUnion.squares) isUnionHole[square] = 1
  const first = dualPass(a, squareOrder(a), unionKeys)
  const second = dualPass(b, squareOrder(b), unionKeys)
  const matches = new Matches(a, b)
  // A hole of each picture that becomes the same hole of the union: known by the square that fills it.
  const fromFirst = new Int32Array(unionKeys.length).fill(-1)
  first.unionSquares.forEach((square, hole) => {
    if (isUnionHole[square]) fromFirst[square] = hole
  })
  const partner = new Int32Array(first.births.length).fill(-1)
  const taken = new Uint8Array(second.births.length)
  second.unionSquares.forEach((square, hole) => {
    if (!isUnionHole[square] || fromFirst[square]! < 0) return
    partner[fromFirst[square]!] = hole
    taken[hole] = 1
  })
  for (let hole = 0; hole < partner.length; hole++) {
    const other = partner[hole]!
    if (other < 0) matches.addFirst(first.births[hole]!, first.deaths[hole]!)
    else matches.add(first.births[hole]!, first.deaths[hole]!, second.births[other]!, second.deaths[other]!)
  }
  for (let hole = 0; hole < taken.length; hole++)
    if (!taken[hole]) matches.addSecond(second.births[hole]!, second.deaths[hole]!)
  return matches.done()
}

/** Collects ranks and turns them into pixels. */
class Matches {
  private readonly matched: number[] = []
  private readonly onlyFirst: number[] = []
  private readonly onlySecond: number[] = []

  constructor(
    private readonly first: PixelOrder,
    private readonly second: PixelOrder,
  ) {}

  add(birthA: number, deathA: number, birthB: number, deathB: number): void {
    const { first, second } = this
    this.matched.push(
      pixel(first, birthA),
      pixel(first, deathA),
      pixel(second, birthB),
      pixel(second, deathB),
    )
  }

  addFirst(birth: number, death: number): void {
    this.onlyFirst.push(pixel(this.first, birth), pixel(this.first, death))
  }

  addSecond(birth: number, death: number): void {
    this.onlySecond.push(pixel(this.second, birth), pixel(this.second, death))
  }

  done(): FeatureMatches {
    return {
      matched: Int32Array.from(this.matched),
      onlyFirst: Int32Array.from(this.onlyFirst),
      onlySecond: Int32Array.from(this.onlySecond),
    }
  }
}

const pixel = ({ place, stride }: PixelOrder, rank: number): number =>
  rank < 0 ? -1 : pixelAt(place[rank]!, stride)
