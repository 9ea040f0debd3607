import type { PixelOrder } from './pixel-order.js'

/** Order key of the world outside the picture: above every square. */
const OUTSIDE_KEY = 2 ** 31 - 1

/**
 * Order keys of the squares of the V-construction. A square is named by its lower right pixel (y, x) as
 * y (width + 1) + x; those with y or x of 0 or beyond the last pixel lie outside and have the largest key.
 * A square enters with the last of its four pixels; its place around that pixel breaks ties (lower right
 * first, upper left last, as in the program of Stucki et al.), so that key >> 2 is the rank of that pixel.
 */
export function squareOrder({ height, width, stride, rank }: PixelOrder): Int32Array {
  const keys = new Int32Array((height + 1) * (width + 1)).fill(OUTSIDE_KEY)
  for (let y = 1; y < height; y++) {
    for (let x = 1; x < width; x++) {
      const at = (y + 1) * stride + x + 1
      const upperLeft = rank[at - stride - 1]! * 4
      const upperRight = rank[at - stride]! * 4 + 1
      const lowerLeft = rank[at - 1]! * 4 + 2
      const lowerRight = rank[at]! * 4 + 3
      const upper = upperLeft > upperRight ? upperLeft : upperRight
      const lower = lowerLeft > lowerRight ? lowerLeft : lowerRight
      keys[y * (width + 1) + x] = upper > lower ? upper : lower
    }
  }
  return keys
}

/** The holes of one picture, in descending order of birth; lists run in step. */
export interface DualHoles {
  /** Ranks of the pixels at which holes are born (of the closing edge). */
  readonly births: number[]
  /** Ranks of the pixels at which they are filled. */
  readonly deaths: number[]
  /** The squares that fill them. */
  readonly squares: number[]
  /** The square that fills the image of the hole in the union's filtration. */
  readonly unionSquares: number[]
}

/**
 * Holes of the V-construction by union-find on squares, joined across edges in descending order; the world
 * outside is one more square and never dies. Each component remembers its latest square in the picture's
 * order and in the union's: what dies at an edge is the lesser of both, which gives the pairs of the picture
 * and of the image of its homology in the union's.
 */
export function dualPass(order: PixelOrder, keys: Int32Array, unionKeys: Int32Array): DualHoles {
  const { width, stride, place, rank, level } = order
  const parent = new Int32Array(keys.length)
  const unionTop = new Int32Array(keys.length)
  for (let s = 0; s < keys.length; s++) if (keys[s] !== OUTSIDE_KEY) unionTop[s] = parent[s] = s
  const holes: DualHoles = { births: [], deaths: [], squares: [], unionSquares: [] }
  // Edges of a pixel to earlier ones, latest edge first: up, left, down, right, with the squares beside them.
  const neighbours = [-stride, -1, stride, 1]
  const oneSide = [0, 0, width + 1, 1]
  const otherSide = [1, width + 1, width + 2, width + 2]
  for (let k = place.length - 1; k >= 0; k--) {
    const at = place[k]!
    // Square whose lower right pixel is this one: the row and column of a framed place are one larger.
    const row = Math.floor(at / stride) - 1
    const square = row * (width + 1) + (at - (row + 1) * stride - 1)
    for (let n = 0; n < 4; n++) {
      if (rank[at + neighbours[n]!]! >= k) continue
      let a = square + oneSide[n]!
      while (parent[a] !== a) {
        parent[a] = parent[parent[a]!]!
        a = parent[a]!
      }
      let b = square + otherSide[n]!
      while (parent[b] !== b) {
        parent[b] = parent[parent[b]!]!
        b = parent[b]!
      }
      if (a === b) continue
      const younger = keys[a]! < keys[b]! ? a : b
      const elder = younger === a ? b : a
      parent[younger] = elder
      const topY = unionTop[younger]!
      const topE = unionTop[elder]!
      const lowerTop = unionKeys[topY]! < unionKeys[topE]! ? topY : topE
      unionTop[elder] = lowerTop === topY ? topE : topY
      const death = keys[younger]! >> 2
      if (level[death] === level[k]) continue
      holes.births.push(k)
      holes.deaths.push(death)
      holes.squares.push(younger)
      holes.unionSquares.push(lowerTop)
    }
  }
  return holes
}
