/**
 * Persistent homology the long way, for tests: the full boundary matrix of the cubical complex over Z2, reduced
 * column by column. It shares nothing with the union-find.
 */

interface Cell {
  /** Doubled coordinates: an odd one is a direction in which the cell extends. */
  readonly y: number
  readonly x: number
  readonly dimension: number
  /** The pixel that gives the cell its value. */
  readonly pixel: number
}

export interface ReducedPair {
  readonly dimension: number
  readonly birth: Cell
  /** Absent for a class that never dies. */
  readonly death?: Cell
}

/** Pixel before another in the filtration. */
type Before = (a: number, b: number) => number

/** Cells of the V-construction (vertices are pixels) or T-construction (squares are pixels), unordered. */
export function cellsOf(height: number, width: number, construction: 'V' | 'T', before: Before): Cell[] {
  const cells: Cell[] = []
  const frame = construction === 'V' ? 0 : 1
  for (let y = -frame; y <= 2 * (height - 1) + frame; y++) {
    for (let x = -frame; x <= 2 * (width - 1) + frame; x++) {
      const across = (v: number) => (v % 2 === 0 ? [v / 2] : [(v - 1) / 2, (v + 1) / 2])
      const pixels = across(y)
        .flatMap((row) => across(x).map((column) => [row, column] as const))
        .filter(([row, column]) => row >= 0 && row < height && column >= 0 && column < width)
        .map(([row, column]) => row * width + column)
        .sort(before)
      const odd = Math.abs(y % 2) + Math.abs(x % 2)
      cells.push(
        construction === 'V'
          ? { y, x, dimension: odd, pixel: pixels.at(-1)! }
          : { y, x, dimension: 2 - odd, pixel: pixels[0]! },
      )
    }
  }
  return cells
}

/** Cells in filtration order: by pixel, then dimension, then `within`. */
export function ordered(
  cells: readonly Cell[],
  before: Before,
  within: (a: Cell, b: Cell) => number,
): Cell[] {
  return [...cells].sort((a, b) => before(a.pixel, b.pixel) || a.dimension - b.dimension || within(a, b))
}

const key = ({ y, x }: { y: number; x: number }) => `${y},${x}`

/**
 * Reduces the boundary matrix whose columns stand in one order and whose rows in another; with both the same
 * this is persistent homology, else the image persistence of the inclusion (Cohen-Steiner et al. 2009).
 */
export function reduce(columns: readonly Cell[], rows: readonly Cell[]): ReducedPair[] {
  const rowOf = new Map(rows.map((cell, i) => [key(cell), i]))
  const owner = new Map<number, { column: Set<number>; cell: Cell }>()
  const paired = new Set<string>()
  const pairs: ReducedPair[] = []
  for (const cell of columns) {
    let column = new Set<number>()
    for (const [dy, dx] of [
      [-1, 0],
      [1, 0],
      [0, -1],
      [0, 1],
    ] as const) {
      const face = rowOf.get(key({ y: cell.y + dy, x: cell.x + dx }))
      if (face !== undefined && rows[face]!.dimension === cell.dimension - 1) column.add(face)
    }
    for (;;) {
      if (column.size === 0) break
      const lowest = Math.max(...column)
      const earlier = owner.get(lowest)
      if (!earlier) {
        owner.set(lowest, { column, cell })
        const birth = rows[lowest]!
        pairs.push({ dimension: birth.dimension, birth, death: cell })
        paired.add(key(birth)).add(key(cell))
        break
      }
      column = symmetricDifference(column, earlier.column)
    }
  }
  for (const cell of rows) {
    if (!paired.has(key(cell))) pairs.push({ dimension: cell.dimension, birth: cell })
  }
  return pairs
}

function symmetricDifference(a: Set<number>, b: Set<number>): Set<number> {
  const result = new Set(a)
  for (const item of b) if (!result.delete(item)) result.add(item)
  return result
}
