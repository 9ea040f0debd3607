import { checkLength, gridOf } from '../metrics/grid.js'
import { closedShares } from './euler.js'

/** Steps [slice, row, column] of the 27 voxels of a neighbourhood, bit by bit; bit 13 is the voxel itself. */
const BLOCK: readonly (readonly [number, number, number])[] = Array.from({ length: 27 }, (_, n) => [
  Math.floor(n / 9) - 1,
  (Math.floor(n / 3) % 3) - 1,
  (n % 3) - 1,
])
const CENTRE = 1 << 13

/** The voxels of a neighbourhood that touch a given one, itself left out. */
const TOUCHING = BLOCK.map((a) =>
  BLOCK.reduce((bits, b, n) => {
    const distance = Math.max(...a.map((v, axis) => Math.abs(v - b[axis]!)))
    return distance === 1 && n !== 13 ? bits | (1 << n) : bits
  }, 0),
)

/** The eight 2x2x2 blocks around the voxel: bit numbers in `BLOCK` of their corners, the voxel as a corner too. */
const OCTANTS = [-1, 1].flatMap((z) =>
  [-1, 1].flatMap((y) =>
    [-1, 1].map((x) =>
      Array.from({ length: 8 }, (_, corner) => {
        const at = [z, y, x].map((side, axis) => ((corner >> axis) & 1 ? side : 0))
        return (at[0]! + 1) * 9 + (at[1]! + 1) * 3 + at[2]! + 1
      }),
    ),
  ),
)

/** What removing corner 0 of a 2x2x2 block takes from eight times the Euler characteristic. */
const removalChange = (() => {
  const shares = closedShares()
  return shares.map((share, code) => (code & 1 ? share - shares[code & ~1]! : 0))
})()

/** Border directions in scikit-image's order: a voxel is open on the side of that step [slice, row, column]. */
const SIDES = [
  [0, -1, 0],
  [0, 1, 0],
  [0, 0, 1],
  [0, 0, -1],
  [1, 0, 0],
  [-1, 0, 0],
] as const

/**
 * Skeleton of a volume by the medial axis thinning of Lee, Kashyap and Chu (1994), voxel for voxel that of
 * `skimage.morphology.skeletonize(method='lee')`. In turn for each of six directions: voxels open on that side
 * that are no line end and whose removal changes neither the Euler characteristic nor the number of objects
 * around them are collected, then removed one by one where that still holds.
 * @param mask [depth, height, width], or a picture [height, width], which has four directions.
 * @returns 1 on the skeleton, else 0. @throws SeptumError `metric-shape`.
 */
export function skeletonize3d(mask: ArrayLike<number>, shape: readonly number[]): Uint8Array {
  const { depth, height, width, pixels } = gridOf(shape)
  checkLength(mask, pixels, 'mask')
  const stride = width + 2
  const slice = stride * (height + 2)
  const framed = new Uint8Array(slice * (depth + 2))
  const position = (i: number) => {
    const row = Math.floor(i / width)
    const z = Math.floor(row / height)
    return (z + 1) * slice + (row - z * height + 1) * stride + (i - row * width) + 1
  }
  let voxels: number[] = []
  for (let i = 0; i < pixels; i++) {
    if (mask[i] === 0) continue
    framed[position(i)] = 1
    voxels.push(position(i))
  }
  const steps = BLOCK.map(([z, y, x]) => z * slice + y * stride + x)
  const sides = SIDES.slice(0, depth === 1 ? 4 : 6).map(([z, y, x]) => z * slice + y * stride + x)
  for (let unchanged = 0; unchanged < sides.length; ) {
    unchanged = 0
    for (const side of sides) {
      const candidates: number[] = []
      for (const at of voxels) {
        if (framed[at + side] === 0 && isRemovable(neighbourhood(framed, at, steps))) candidates.push(at)
      }
      let left = candidates.length
      for (const at of candidates) {
        if (pieces(neighbourhood(framed, at, steps)) > 1) left--
        else framed[at] = 0
      }
      if (left === 0) unchanged++
      else voxels = voxels.filter((at) => framed[at] === 1)
    }
  }
  const skeleton = new Uint8Array(pixels)
  for (let i = 0; i < pixels; i++) if (mask[i] !== 0) skeleton[i] = framed[position(i)]!
  return skeleton
}

/** Neighbours of a voxel as 27 bits, without the voxel. */
function neighbourhood(framed: Uint8Array, at: number, steps: readonly number[]): number {
  let bits = 0
  for (let n = 0; n < 27; n++) bits |= framed[at + steps[n]!]! << n
  return bits & ~CENTRE
}

function isRemovable(bits: number): boolean {
  // No neighbour or one: bits & (bits - 1) clears the lowest. A lone voxel falls to the Euler test below.
  if (bits !== 0 && (bits & (bits - 1)) === 0) return false
  let change = 0
  for (const octant of OCTANTS) {
    let code = 1
    for (let corner = 1; corner < 8; corner++) code |= ((bits >> octant[corner]!) & 1) << corner
    change += removalChange[code]!
  }
  return change === 0 && pieces(bits) <= 1
}

/** Number of connected pieces of the neighbours; 2 stands for all above 1. */
function pieces(bits: number): number {
  if (bits === 0) return 0
  let reached = 0
  let frontier = bits & -bits
  while (frontier !== 0) {
    const lowest = frontier & -frontier
    reached |= lowest
    frontier = (frontier | (TOUCHING[31 - Math.clz32(lowest)]! & bits)) & ~reached
  }
  return reached === bits ? 1 : 2
}
