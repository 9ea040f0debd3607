import { SeptumError } from '../error.js'
import { checkLength, gridOf } from '../metrics/grid.js'

/**
 * Which pixels touch. In a picture 4 (common side) or 8 (common corner); in a volume 6 (common face),
 * 18 (common edge) or 26 (common corner).
 */
export type Connectivity = 4 | 8 | 6 | 18 | 26

export interface Components {
  /** The number of each pixel's component, 0 for background, in the order of `mask`. */
  readonly labels: Int32Array
  /** Components are numbered 1 to `count` by their first pixel in raster order. */
  readonly count: number
}

/**
 * Labels the connected components of the pixels that are not 0, in two passes with union-find. Numbers
 * are those of `scipy.ndimage.label` and `skimage.measure.label`.
 * @param mask one value a pixel. @param shape [height, width] or [depth, height, width].
 * @throws SeptumError `metric-shape`, or `topology-connectivity` for a neighbourhood of other dimensions.
 */
export function labelComponents(
  mask: ArrayLike<number>,
  shape: readonly number[],
  connectivity: Connectivity,
): Components {
  const { depth, height, width, pixels } = gridOf(shape)
  checkLength(mask, pixels, 'mask')
  const offsets = earlierNeighbours(checkConnectivity(connectivity, shape.length))
  const steps = offsets.map(([z, y, x]) => (z * height + y) * width + x)
  const labels = new Int32Array(pixels)
  const parent = [0]
  let i = 0
  for (let z = 0; z < depth; z++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, i++) {
        if (mask[i] === 0) continue
        let label = 0
        for (let n = 0; n < steps.length; n++) {
          const offset = offsets[n]!
          const column = x + offset[2]
          if (column < 0 || column >= width) continue
          if (z + offset[0] < 0 || y + offset[1] < 0 || y + offset[1] >= height) continue
          const other = labels[i + steps[n]!]!
          if (other === 0 || other === label) continue
          label = label === 0 ? root(parent, other) : join(parent, label, other)
        }
        if (label === 0) {
          label = parent.length
          parent.push(label)
        }
        labels[i] = label
      }
    }
  }
  return renumber(labels, parent)
}

/** @throws SeptumError `topology-connectivity` unless the neighbourhood is one of `dimensions` axes. */
export function checkConnectivity(connectivity: Connectivity, dimensions: number): Connectivity {
  const possible = dimensions === 2 ? [4, 8] : [6, 18, 26]
  if (!possible.includes(connectivity)) {
    throw new SeptumError(
      'topology-connectivity',
      `A map of ${dimensions} dimensions has no ${connectivity}-neighbourhood`,
      `Give ${possible.slice(0, -1).join(', ')} or ${possible.at(-1)}.`,
    )
  }
  return connectivity
}

/** The half of the neighbourhood that a raster scan meets before the pixel itself: [z, y, x] steps. */
function earlierNeighbours(connectivity: Connectivity): (readonly [number, number, number])[] {
  const mostAxes = { 4: 1, 8: 2, 6: 1, 18: 2, 26: 3 }[connectivity]
  const layers = connectivity < 6 || connectivity === 8 ? [0] : [-1, 0]
  const found: (readonly [number, number, number])[] = []
  for (const z of layers) {
    for (const y of [-1, 0, 1]) {
      for (const x of [-1, 0, 1]) {
        const axes = Math.abs(z) + Math.abs(y) + Math.abs(x)
        const earlier = z < 0 || (z === 0 && (y < 0 || (y === 0 && x < 0)))
        if (earlier && axes <= mostAxes) found.push([z, y, x])
      }
    }
  }
  return found
}

function root(parent: number[], label: number): number {
  let at = label
  while (parent[at] !== at) {
    parent[at] = parent[parent[at]!]!
    at = parent[at]!
  }
  return at
}

/** Joins two labels under the smaller root, so that a root is the first label of its component. */
function join(parent: number[], a: number, b: number): number {
  const first = root(parent, a)
  const second = root(parent, b)
  const kept = Math.min(first, second)
  parent[Math.max(first, second)] = kept
  return kept
}

function renumber(labels: Int32Array, parent: number[]): Components {
  const final = new Int32Array(parent.length)
  let count = 0
  // A root is smaller than every label below it, so that one ascending pass finds roots first.
  for (let label = 1; label < parent.length; label++) {
    const top = root(parent, label)
    final[label] = top === label ? ++count : final[top]!
  }
  for (let i = 0; i < labels.length; i++) if (labels[i] !== 0) labels[i] = final[labels[i]!]!
  return { labels, count }
}
