import { checkLength, gridOf } from '../metrics/grid.js'

/**
 * Euler characteristic of the marked pixels. `closed` reads a pixel as a closed square or cube, so that a
 * common corner connects (8 in the plane, 26 in space); `open` connects pixels by their sides only (4, 6).
 * In the plane it is components minus holes, in space components minus tunnels plus cavities.
 * Every 2x2 (2x2x2) window adds its share of cells (Gray 1971).
 * @param mask one value a pixel, marked unless 0. @param shape [height, width] or [depth, height, width].
 * @throws SeptumError `metric-shape`.
 */
export function eulerCharacteristic(
  mask: ArrayLike<number>,
  shape: readonly number[],
  cells: 'closed' | 'open',
): number {
  const { dimensions, depth, height, width, pixels } = gridOf(shape)
  checkLength(mask, pixels, 'mask')
  const share = dimensions === 2 ? planeShares(cells) : cells === 'closed' ? closedShares() : openShares()
  const bits = dimensions === 2 ? 2 : 4
  let sum = 0
  for (let z = dimensions === 2 ? 1 : 0; z <= depth; z++) {
    for (let y = 0; y <= height; y++) {
      // The window's code: its left column of 2 (or 4) pixels in the low bits, the right one above.
      let code = 0
      for (let x = 0; x <= width; x++) {
        code >>= bits
        if (x < width) code |= column(mask, z, y, x, depth, height, width, dimensions) << bits
        sum += share[code]!
      }
    }
  }
  return sum / (dimensions === 2 ? 4 : 8)
}

/** The marked pixels of column x in rows y - 1, y (of slices z - 1, z) as bits. */
function column(
  mask: ArrayLike<number>,
  z: number,
  y: number,
  x: number,
  depth: number,
  height: number,
  width: number,
  dimensions: number,
): number {
  const below = z < depth || dimensions === 2
  const slice = (dimensions === 2 ? 0 : z) * height
  let code = 0
  if (below && y > 0 && mask[(slice + y - 1) * width + x] !== 0) code |= 1
  if (below && y < height && mask[(slice + y) * width + x] !== 0) code |= 2
  if (dimensions === 2) return code
  if (z > 0 && y > 0 && mask[(slice - height + y - 1) * width + x] !== 0) code |= 4
  if (z > 0 && y < height && mask[(slice - height + y) * width + x] !== 0) code |= 8
  return code
}

/** Four times what a 2x2 window adds: vertices 4, halves of edges 2, quarters of squares 1. */
function planeShares(cells: 'closed' | 'open'): Int32Array {
  return Int32Array.from({ length: 16 }, (_, code) => {
    const has = (bit: number) => (code >> bit) & 1
    const sides = [
      [0, 1],
      [2, 3],
      [0, 2],
      [1, 3],
    ] as const
    const single = has(0) + has(1) + has(2) + has(3)
    if (cells === 'open') {
      const pairs = sides.filter(([a, b]) => has(a) && has(b)).length
      return single - 2 * pairs + (code === 15 ? 4 : 0)
    }
    return (code > 0 ? 4 : 0) - 2 * sides.filter(([a, b]) => has(a) || has(b)).length + single
  })
}

/** Pairs of corners of a cube (bits 0 to 7, one bit an axis) that share an edge: they differ in one bit. */
function cubeEdges(): [number, number][] {
  const edges: [number, number][] = []
  for (let a = 0; a < 8; a++) for (const axis of [1, 2, 4]) if (!(a & axis)) edges.push([a, a | axis])
  return edges
}

/** The four corners of each of a cube's six faces, as bits of a code. */
function cubeFaces(): number[] {
  return [1, 2, 4].flatMap((axis) =>
    [0, axis].map((side) => {
      let code = 0
      for (let corner = 0; corner < 8; corner++) if ((corner & axis) === side) code |= 1 << corner
      return code
    }),
  )
}

/**
 * Eight times what a 2x2x2 window adds when its voxels are closed cubes: 8 for the vertex in its middle,
 * 4 less for each of the six half edges there, 2 for each quarter of a face, 1 less for each eighth of a cube.
 * A voxel is corner (bit) 0 to 7 of the code; the three bits of its number are its places along the axes.
 */
export function closedShares(): Int32Array {
  const edges = cubeEdges()
  const faces = cubeFaces()
  return Int32Array.from({ length: 256 }, (_, code) => {
    if (code === 0) return 0
    // Four voxels surround a half edge: a face of the window. Two voxels share a quarter face: an edge of it.
    const halfEdges = faces.filter((face) => code & face).length
    const quarterFaces = edges.filter(([a, b]) => (code >> a) & 1 || (code >> b) & 1).length
    return 8 - 4 * halfEdges + 2 * quarterFaces - bitCount(code)
  })
}

/** As `closedShares` when voxels are joined by faces only: voxels, pairs, squares of four, blocks of eight. */
function openShares(): Int32Array {
  const edges = cubeEdges()
  const faces = cubeFaces()
  return Int32Array.from({ length: 256 }, (_, code) => {
    const pairs = edges.filter(([a, b]) => (code >> a) & 1 && (code >> b) & 1).length
    const squares = faces.filter((face) => (code & face) === face).length
    return bitCount(code) - 2 * pairs + 4 * squares - (code === 255 ? 8 : 0)
  })
}

function bitCount(code: number): number {
  let count = 0
  for (let rest = code; rest > 0; rest &= rest - 1) count++
  return count
}
