/** A closed outline: x0, y0, x1, y1, ... in pixels; the centre of pixel (column i, row j) is (i + 0.5, j + 0.5). */
export type Ring = readonly number[]

const [TOP, RIGHT, BOTTOM, LEFT] = [0, 1, 2, 3] as const

// Segments of one square of four neighbouring samples, as pairs (enter edge, leave edge) with the inside on
// the right; index bits: top-left 8, top-right 4, bottom-right 2, bottom-left 1. Squares 5 and 10 are
// ambiguous: the first list keeps the two inside corners apart, `joined` connects them.
const segments: readonly (readonly (readonly [number, number])[])[] = [
  [],
  [[LEFT, BOTTOM]],
  [[BOTTOM, RIGHT]],
  [[LEFT, RIGHT]],
  [[RIGHT, TOP]],
  [
    [RIGHT, TOP],
    [LEFT, BOTTOM],
  ],
  [[BOTTOM, TOP]],
  [[LEFT, TOP]],
  [[TOP, LEFT]],
  [[TOP, BOTTOM]],
  [
    [TOP, LEFT],
    [BOTTOM, RIGHT],
  ],
  [[TOP, RIGHT]],
  [[RIGHT, LEFT]],
  [[RIGHT, BOTTOM]],
  [[BOTTOM, LEFT]],
  [],
]
const joined: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
  5: [
    [LEFT, TOP],
    [RIGHT, BOTTOM],
  ],
  10: [
    [TOP, RIGHT],
    [BOTTOM, LEFT],
  ],
}

/**
 * Outlines of the region where `values > level`, by marching squares with linear interpolation.
 *
 * The grid is surrounded by zeros, so every outline closes; where two regions touch at a corner the mean of
 * the four samples decides. Outer outlines run clockwise on the screen, holes anticlockwise.
 *
 * @param values row-major [height, width]; anything not finite counts as 0.
 * @param level above 0.
 * @returns rings in pixels, in the order in which a scan by rows meets them.
 */
export function contourRings(
  values: ArrayLike<number>,
  width: number,
  height: number,
  level: number,
): Ring[] {
  const at = (x: number, y: number): number => {
    const value = x < 0 || y < 0 || x >= width || y >= height ? 0 : values[y * width + x]!
    return Number.isFinite(value) ? value : 0
  }
  // Grid edges are numbered by their left or upper sample: even to the right, odd downwards.
  const edge = (x: number, y: number, down: 0 | 1) => 2 * ((y + 1) * (width + 2) + x + 1) + down
  const next = new Map<number, number>()
  for (let y = -1; y < height; y++) {
    for (let x = -1; x < width; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)] as const
      const index = corners.reduce((bits, value) => bits * 2 + Number(value > level), 0)
      const edges = [edge(x, y, 0), edge(x + 1, y, 1), edge(x, y + 1, 0), edge(x, y, 1)]
      const mean = corners.reduce((sum, value) => sum + value, 0) / 4
      const pairs = (mean > level && joined[index]) || segments[index]!
      for (const [from, to] of pairs) next.set(edges[from]!, edges[to]!)
    }
  }
  const point = (id: number): [number, number] => {
    const down = id % 2
    const sample = (id - down) / 2
    const x = (sample % (width + 2)) - 1
    const y = Math.floor(sample / (width + 2)) - 1
    const a = at(x, y)
    const along = (level - a) / (at(x + 1 - down, y + down) - a)
    return [x + 0.5 + (down ? 0 : along), y + 0.5 + (down ? along : 0)]
  }
  const rings: Ring[] = []
  for (const start of next.keys()) {
    const ring: number[] = []
    for (let id: number | undefined = start; id !== undefined && next.has(id); ) {
      ring.push(...point(id))
      const following: number = next.get(id)!
      next.delete(id)
      id = following
    }
    rings.push(ring)
  }
  return rings
}
