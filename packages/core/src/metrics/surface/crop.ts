import type { Size } from '../distance/field.js'
import type { Grid } from '../grid.js'

/** Two masks cut to the box that holds both, as 0 and 1, with one place of background around. */
export interface CroppedPair {
  readonly a: Uint8Array
  readonly b: Uint8Array
  /** Size with the margin; the depth of a picture stays 1. */
  readonly size: Size
}

/**
 * Surfaces lie inside the box of both masks, so that nothing outside it needs a distance. The margin stands
 * for the outside: what touches the border of the image has a surface there.
 * @returns null where both masks are empty.
 */
export function cropPair(a: Uint8Array, b: Uint8Array, grid: Grid): CroppedPair | null {
  const { depth, height, width, dimensions } = grid
  let [top, bottom, left, right, front, back] = [height, -1, width, -1, depth, -1]
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      const start = (z * height + y) * width
      const end = start + width
      let first = start
      while (first < end && (a[first]! | b[first]!) === 0) first++
      if (first === end) continue
      let last = end - 1
      while ((a[last]! | b[last]!) === 0) last--
      left = Math.min(left, first - start)
      right = Math.max(right, last - start)
      top = Math.min(top, y)
      bottom = Math.max(bottom, y)
      front = Math.min(front, z)
      back = z
    }
  }
  if (back < 0) return null
  const margin = dimensions === 3 ? 1 : 0
  const size: Size = [back - front + 1 + 2 * margin, bottom - top + 3, right - left + 3]
  const cut = (mask: Uint8Array): Uint8Array => {
    const part = new Uint8Array(size[0] * size[1] * size[2])
    for (let z = front; z <= back; z++) {
      for (let y = top; y <= bottom; y++) {
        const from = (z * height + y) * width + left
        const to = ((z - front + margin) * size[1] + y - top + 1) * size[2] + 1
        for (let k = 0; k <= right - left; k++) part[to + k] = mask[from + k] === 0 ? 0 : 1
      }
    }
    return part
  }
  return { a: cut(a), b: cut(b), size }
}

/**
 * Marked places with an unmarked neighbour in the 4- or 6-neighbourhood: the mask without its erosion by a
 * cross. @param mask 0 and 1 with a margin, as `cropPair` makes it.
 */
export function edgesOf(mask: Uint8Array, [depth, height, width]: Size): Uint8Array {
  const edges = new Uint8Array(mask.length)
  const plane = height * width
  const flat = depth === 1
  for (let z = flat ? 0 : 1; z < (flat ? 1 : depth - 1); z++) {
    for (let y = 1; y < height - 1; y++) {
      const start = z * plane + y * width
      for (let i = start + 1; i < start + width - 1; i++) {
        if (mask[i] === 0) continue
        const inPlane = mask[i - 1]! & mask[i + 1]! & mask[i - width]! & mask[i + width]!
        const inside = flat ? inPlane : inPlane & mask[i - plane]! & mask[i + plane]!
        edges[i] = inside ^ 1
      }
    }
  }
  return edges
}
