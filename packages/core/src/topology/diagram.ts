import type { GreyMap } from './pixel-order.js'

/** `sublevel` takes small values in first; `superlevel` large ones (foreground probabilities). */
export type Level = 'sublevel' | 'superlevel'

/**
 * Persistence pairs of a picture as pixels, row by row. A pair lives from the value of its birth pixel to
 * that of its death pixel; pairs whose two values are equal are left out.
 */
export interface PersistenceDiagram {
  readonly shape: readonly [height: number, width: number]
  readonly level: Level
  /** How pixels of a level set are connected; its holes are connected the other way (8 or 4). */
  readonly connectivity: 4 | 8
  /** Birth pixel of the one component that never dies. */
  readonly essential: number
  /** Components, [pairs, 2]: birth and death pixel, in the order of death. */
  readonly components: Int32Array
  /** Holes, [pairs, 2], in the reversed order of birth; empty where only components were asked for. */
  readonly holes: Int32Array
}

/** A persistence pair with its values: one bar of a barcode. */
export interface Bar {
  readonly dimension: 0 | 1
  readonly birth: number
  /** Infinity (-Infinity for a superlevel filtration) for the essential bar, unless it was given a value. */
  readonly death: number
  /** |death - birth|, above 0. */
  readonly persistence: number
  readonly birthPixel: number
  /** -1 for the essential bar. */
  readonly deathPixel: number
}

/**
 * The barcode of a diagram, longest bars first; equal ones in the diagram's order, components before holes.
 * @param values the picture that the diagram was computed from.
 * @param essentialDeath where the bar of the essential component ends: 0 for probabilities in a superlevel
 * filtration (Stucki et al. 2023). Without it the bar is infinite. A bar of no length is kept: the essential
 * component of a constant picture is still one.
 */
export function barcode(diagram: PersistenceDiagram, values: GreyMap, essentialDeath?: number): Bar[] {
  const unbounded = diagram.level === 'sublevel' ? Infinity : -Infinity
  const bars = [bar(0, values, diagram.essential, -1, essentialDeath ?? unbounded)]
  for (const [dimension, pairs] of [
    [0, diagram.components],
    [1, diagram.holes],
  ] as const) {
    for (let i = 0; i < pairs.length; i += 2) bars.push(bar(dimension, values, pairs[i]!, pairs[i + 1]!))
  }
  return bars.sort((a, b) => (a.persistence === b.persistence ? 0 : b.persistence - a.persistence))
}

function bar(dimension: 0 | 1, values: GreyMap, birthPixel: number, deathPixel: number, end?: number): Bar {
  const birth = values[birthPixel]!
  const death = end ?? values[deathPixel]!
  return { dimension, birth, death, persistence: Math.abs(death - birth), birthPixel, deathPixel }
}

/**
 * Betti numbers of one level set, {f <= t} or {f >= t}: bars that are born at t or before and not yet dead.
 * @returns [components, holes].
 */
export function bettiAt(diagram: PersistenceDiagram, values: GreyMap, t: number): [number, number] {
  const sign = diagram.level === 'sublevel' ? 1 : -1
  const alive = (pairs: Int32Array) => {
    let count = 0
    for (let i = 0; i < pairs.length; i += 2)
      if (sign * values[pairs[i]!]! <= sign * t && sign * t < sign * values[pairs[i + 1]!]!) count++
    return count
  }
  const essential = sign * values[diagram.essential]! <= sign * t ? 1 : 0
  return [essential + alive(diagram.components), alive(diagram.holes)]
}
