import { SeptumError } from '../error.js'
import { checkLength, gridOf } from '../metrics/grid.js'

/**
 * Where scikit-image departs from the conditions printed by Zhang and Suen: neighbourhood (bits clockwise from
 * the upper left) and the passes that take its pixel (1 first, 2 second, 3 both, 0 none). Its table thins staircases, which the printed conditions
 * leave two pixels wide, and keeps some ends that they eat.
 */
const DEPARTURES: readonly (readonly [number, number])[] = [
  [3, 1],
  [6, 1],
  [10, 3],
  [11, 1],
  [12, 1],
  [14, 1],
  [24, 2],
  [26, 2],
  [40, 3],
  [48, 0],
  [56, 2],
  [96, 2],
  [104, 2],
  [108, 2],
  [129, 0],
  [130, 3],
  [131, 1],
  [134, 1],
  [160, 3],
  [161, 1],
  [176, 2],
  [192, 2],
  [194, 1],
  [198, 1],
  [224, 2],
]

/** For each of the 256 neighbourhoods, which of the two passes remove a pixel. */
const removedIn: Uint8Array = passTable()

function passTable(): Uint8Array {
  const table = Uint8Array.from({ length: 256 }, (_, code) => {
    const bit = (n: number) => (code >> (n & 7)) & 1
    let marked = 0
    let entries = 0
    for (let n = 0; n < 8; n++) {
      marked += bit(n)
      entries += bit(n) < bit(n + 1) ? 1 : 0
    }
    if (marked < 2 || marked > 6 || entries !== 1) return 0
    const [north, east, south, west] = [bit(1), bit(3), bit(5), bit(7)]
    const first = north * east * south === 0 && east * south * west === 0
    const second = north * east * west === 0 && north * south * west === 0
    return (first ? 1 : 0) + (second ? 2 : 0)
  })
  for (const [code, passes] of DEPARTURES) table[code] = passes
  return table
}

/**
 * Skeleton of a picture by the thinning of Zhang and Suen (1984) as `skimage.morphology.skeletonize` does it,
 * pixel for pixel. Two passes alternate and remove border pixels at once until nothing changes; here a pixel is
 * looked at again only after its neighbourhood changed, so that the cost is that of the object, not of the picture
 * times its thickness.
 * @param mask [height, width], marked unless 0. @returns 1 on the skeleton, else 0.
 * @throws SeptumError `metric-shape`, or `topology-shape` for a volume.
 */
export function skeletonize2d(mask: ArrayLike<number>, shape: readonly number[]): Uint8Array {
  const { dimensions, height, width, pixels } = gridOf(shape)
  if (dimensions !== 2) {
    throw new SeptumError(
      'topology-shape',
      `A volume of shape [${shape.join(', ')}] has no skeleton in the plane`,
      'Use `skeletonize3d`.',
    )
  }
  checkLength(mask, pixels, 'mask')
  const stride = width + 2
  const framed = new Uint8Array(stride * (height + 2))
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) if (mask[i] !== 0) framed[(y + 1) * stride + x + 1] = 1
  thin(framed, stride)
  const skeleton = new Uint8Array(pixels)
  for (let y = 0; y < height; y++) {
    const from = (y + 1) * stride + 1
    skeleton.set(framed.subarray(from, from + width), y * width)
  }
  return skeleton
}

/** The eight neighbours of a place as bits, clockwise from the upper left. */
function codeAt(framed: Uint8Array, at: number, stride: number): number {
  const above = at - stride
  const below = at + stride
  return (
    framed[above - 1]! |
    (framed[above]! << 1) |
    (framed[above + 1]! << 2) |
    (framed[at + 1]! << 3) |
    (framed[below + 1]! << 4) |
    (framed[below]! << 5) |
    (framed[below - 1]! << 6) |
    (framed[at - 1]! << 7)
  )
}

/** Thins a picture of 0 and 1 in a frame of 0, in place. */
function thin(framed: Uint8Array, stride: number): void {
  // Inside an object nothing can be removed: only its border is looked at first.
  const border: number[] = []
  let marked = 0
  for (let at = stride; at < framed.length - stride; at++) {
    if (framed[at] === 0) continue
    marked++
    if (codeAt(framed, at, stride) !== 255) border.push(at)
  }
  /** Pixels to look at in the first and second pass; `queued` holds in which of them a pixel waits (bits 1, 2). */
  const waiting = [new Int32Array(marked), new Int32Array(marked)] as const
  const lengths = [border.length, border.length] as [number, number]
  const queued = new Uint8Array(framed.length)
  waiting[0].set(border)
  waiting[1].set(border)
  for (const at of border) queued[at] = 3
  const removed = new Int32Array(marked)
  const steps = [-stride - 1, -stride, -stride + 1, 1, stride + 1, stride, stride - 1, -1]
  for (let pass: 0 | 1 = 0; lengths[0] + lengths[1] > 0; pass = pass === 0 ? 1 : 0) {
    const bit = pass + 1
    const now: Int32Array = waiting[pass]
    const count = lengths[pass]
    let removals = 0
    for (let i = 0; i < count; i++) {
      const at = now[i]!
      queued[at]! &= ~bit
      if (framed[at] === 1 && removedIn[codeAt(framed, at, stride)]! & bit) removed[removals++] = at
    }
    lengths[pass] = 0
    for (let i = 0; i < removals; i++) framed[removed[i]!] = 0
    for (let i = 0; i < removals; i++) {
      for (let n = 0; n < 8; n++) {
        const next = removed[i]! + steps[n]!
        if (framed[next] === 0 || queued[next] === 3) continue
        if (!(queued[next]! & 1)) waiting[0][lengths[0]++] = next
        if (!(queued[next]! & 2)) waiting[1][lengths[1]++] = next
        queued[next] = 3
      }
    }
  }
}
