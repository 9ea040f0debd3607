import type { Size } from '../distance/field.js'

/** Surface elements of a mask, which lie on the corners between pixels. */
export interface Surfels {
  /** 1 where a corner has marked and unmarked pixels around it, [size of the corners]. */
  readonly places: Uint8Array
  /** Length or area of each element, in the order of the places. */
  readonly sizes: Float64Array
}

/** Corners between the pixels of a map with a margin: one fewer along each axis (not along depth 1). */
export function cornerSize([depth, height, width]: Size): Size {
  return [Math.max(1, depth - 1), height - 1, width - 1]
}

/**
 * Finds the surface elements by the pattern of the 4 or 8 pixels around every corner.
 * @param mask 0 and 1 with a margin, as `cropPair` makes it. @param table of `surfelSizes`.
 */
export function surfelsOf(mask: Uint8Array, size: Size, table: Float64Array): Surfels {
  const [depth, height, width] = cornerSize(size)
  const across = size[2]
  const plane = size[1] * size[2]
  const volume = size[0] > 1
  const full = table.length - 1
  const places = new Uint8Array(depth * height * width)
  const sizes: number[] = []
  let place = 0
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      let i = z * plane + y * across
      // Two bits for each row of pixels around the corner; a step to the right keeps the right column.
      let near = column(mask, i, across)
      let far = volume ? column(mask, i + plane, across) : 0
      for (let x = 0; x < width; x++) {
        i++
        const nearRight = column(mask, i, across)
        let pattern = (near << 1) | nearRight
        near = nearRight
        if (volume) {
          const farRight = column(mask, i + plane, across)
          pattern = (pattern << 4) | (far << 1) | farRight
          far = farRight
        }
        if (pattern !== 0 && pattern !== full) {
          places[place] = 1
          sizes.push(table[pattern]!)
        }
        place++
      }
    }
  }
  return { places, sizes: Float64Array.from(sizes) }
}

/** Bits 4 and 1 of a pattern: a pixel and the one below it. */
function column(mask: Uint8Array, i: number, across: number): number {
  return (mask[i]! << 2) | mask[i + across]!
}
