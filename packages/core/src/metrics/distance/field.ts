/** Depth, height, width; a picture has depth 1. */
export type Size = readonly [number, number, number]

/**
 * Exact Euclidean distances from marked places of one map to the nearest marked place of another, in time
 * linear in the size of the map: a scan along the depth, lower envelopes of parabolas along the height
 * (Felzenszwalb and Huttenlocher 2012), and along the width a search outwards from each place that is asked
 * for, which ends at the best distance so far; a row where that becomes long gets an envelope too.
 * @param from places whose distance is wanted, [depth, height, width], 0 or 1. @param to the other map's places.
 * @param spacing distance between neighbours along each axis.
 * @returns one distance for each marked place of `from`, in their order; Infinity where `to` is empty.
 */
export function distancesBetween(
  from: Uint8Array,
  to: Uint8Array,
  size: Size,
  spacing: readonly [number, number, number],
): Float64Array {
  const [depth, height, width] = size
  const field = depthScan(to, size, spacing[0])
  const distances = new Float64Array(count(from))
  const envelope = new Envelope(Math.max(height, width))
  let place = 0
  for (let z = 0; z < depth; z++) {
    const start = z * height * width
    const plane = field.subarray(start, start + height * width)
    const wanted = from.subarray(start, start + height * width)
    if (wanted.indexOf(1) < 0) continue
    for (let x = 0; x < width; x++) envelope.run(plane, x, width, height, spacing[1])
    for (let y = 0; y < height; y++) {
      place = alongRow(plane, wanted, y * width, width, spacing[2], distances, place, envelope)
    }
  }
  return distances
}

function count(mask: Uint8Array): number {
  let marked = 0
  for (let i = 0; i < mask.length; i++) marked += mask[i]!
  return marked
}

/** Squared distance along the depth axis to the nearest marked place of the same column, or Infinity. */
function depthScan(sites: Uint8Array, [depth, height, width]: Size, step: number): Float64Array {
  const plane = height * width
  const field = new Float64Array(sites.length)
  for (let i = 0; i < plane; i++) field[i] = sites[i] === 0 ? Infinity : 0
  for (let i = plane; i < field.length; i++) field[i] = sites[i] === 0 ? field[i - plane]! + 1 : 0
  for (let i = field.length - plane - 1; i >= 0; i--) field[i] = Math.min(field[i]!, field[i + plane]! + 1)
  // Steps are counted and multiplied once: adding 0.7 many times would drift.
  if (depth > 1) for (let i = 0; i < field.length; i++) field[i] = (field[i]! * step) ** 2
  return field
}

/** Steps of outward search that a row may cost before it gets an envelope, as a multiple of its length. */
const SEARCH_BUDGET = 8

/** Writes the distances of the wanted places of one row; @returns the next free place of `distances`. */
function alongRow(
  field: Float64Array,
  wanted: Uint8Array,
  start: number,
  width: number,
  step: number,
  distances: Float64Array,
  place: number,
  envelope: Envelope,
): number {
  let budget = SEARCH_BUDGET * width
  const end = start + width
  for (let i = start; i < end; i++) {
    if (wanted[i] === 0) continue
    let best = field[i]!
    if (budget > 0) {
      for (let k = 1; k < width; k++) {
        const aside = (k * step) ** 2
        if (aside >= best) break
        if (i - k >= start && field[i - k]! + aside < best) best = field[i - k]! + aside
        if (i + k < end && field[i + k]! + aside < best) best = field[i + k]! + aside
        budget--
      }
      // From here on the row itself holds the final squared distances.
      if (budget <= 0) envelope.run(field, start, 1, width, step)
    }
    distances[place++] = Math.sqrt(best)
  }
  return place
}

/** One-dimensional pass of the distance transform, with its working memory. */
class Envelope {
  private readonly line: Float64Array
  private readonly site: Int32Array
  private readonly bound: Float64Array

  constructor(longest: number) {
    this.line = new Float64Array(longest)
    this.site = new Int32Array(longest)
    this.bound = new Float64Array(longest)
  }

  /**
   * Replaces `count` values f at start, start + stride, ... by min over j of f(j) + (step (i - j))^2.
   * Everything is divided by step^2 meanwhile, so that unit spacing stays in whole numbers.
   */
  run(field: Float64Array, start: number, stride: number, count: number, step: number): void {
    const { line, site, bound } = this
    const scale = step * step
    let last = -1
    for (let q = 0, at = start; q < count; q++, at += stride) {
      const value = field[at]! / scale
      line[q] = value
      if (value === Infinity) continue
      const height = value + q * q
      let from = -Infinity
      while (last >= 0) {
        const v = site[last]!
        from = (height - line[v]! - v * v) / (2 * (q - v))
        if (from > bound[last]!) break
        last--
      }
      if (last < 0) from = -Infinity
      last++
      site[last] = q
      bound[last] = from
    }
    if (last < 0) return
    let end = count - 1
    for (; last >= 0; last--) {
      const v = site[last]!
      const value = line[v]!
      const from = Math.max(0, Math.ceil(bound[last]!))
      for (let q = end, at = start + end * stride; q >= from; q--, at -= stride) {
        field[at] = (value + (q - v) * (q - v)) * scale
      }
      end = Math.min(end, from - 1)
    }
  }
}
