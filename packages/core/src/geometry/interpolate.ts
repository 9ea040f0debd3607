import type { ImageSamples } from '../image.js'
import { filterBlock, splineWeights } from './bspline.js'

/** Sizes along z, y, x. */
export type Sizes = readonly [number, number, number]

/** One channel. */
export interface Volume {
  readonly data: ImageSamples
  readonly size: Sizes
}

/** Values of a volume between its samples. */
export interface Interpolator {
  /**
   * Gets ready for places within [z0, z1, y0, y1, x0, x1], which may reach out of the volume.
   * @returns false if they are too many at once.
   */
  prepare(places: readonly [number, number, number, number, number, number]): boolean
  /** Value at a place within the volume: 0 <= z <= size - 1 and so on, in samples. */
  at(z: number, y: number, x: number): number
}

/** The sample whose voxel holds the place; halves round up. */
export class NearestInterpolator implements Interpolator {
  constructor(private readonly volume: Volume) {}

  prepare(): boolean {
    return true
  }

  at(z: number, y: number, x: number): number {
    const { data, size } = this.volume
    // The small number makes ties fall alike, whatever the rounding of the place.
    const i = Math.floor(z + 0.5 + 1e-9)
    const j = Math.floor(y + 0.5 + 1e-9)
    return data[(i * size[1] + j) * size[2] + Math.floor(x + 0.5 + 1e-9)]!
  }
}

/** Trilinear. */
export class LinearInterpolator implements Interpolator {
  constructor(private readonly volume: Volume) {}

  prepare(): boolean {
    return true
  }

  at(z: number, y: number, x: number): number {
    const { data, size } = this.volume
    const i = Math.floor(z)
    const j = Math.floor(y)
    const k = Math.floor(x)
    const u = z - i
    const v = y - j
    const t = x - k
    const row = size[2]
    const at = (i * size[1] + j) * row + k
    // A sample itself, without its neighbours: they may be infinite, and 0 times that is NaN.
    if (u === 0 && v === 0 && t === 0) return data[at]!
    // Steps of 0 where nothing lies between, which also keeps reads inside the volume.
    const dx = t > 0 ? 1 : 0
    const dy = v > 0 ? row : 0
    const below = at + (u > 0 ? size[1] * row : 0)
    const a = data[at]! * (1 - t) + data[at + dx]! * t
    const b = data[at + dy]! * (1 - t) + data[at + dy + dx]! * t
    const c = data[below]! * (1 - t) + data[below + dx]! * t
    const d = data[below + dy]! * (1 - t) + data[below + dy + dx]! * t
    return (a * (1 - v) + b * v) * (1 - u) + (c * (1 - v) + d * v) * u
  }
}

/** Coefficients at one time: 16 MB. */
const BLOCK_VALUES = 2 ** 21
/** The inverse filter's response falls to 1e-8 over this many samples. */
const REACH = 14

/** Cubic B-splines, whose coefficients are computed for one block at a time. */
export class CubicInterpolator implements Interpolator {
  #coefficients = new Float64Array()
  #start: Sizes = [0, 0, 0]
  #size: Sizes = [0, 0, 0]
  readonly #weights = [new Float64Array(4), new Float64Array(4), new Float64Array(4)] as const
  readonly #taps = [new Int32Array(4), new Int32Array(4), new Int32Array(4)] as const

  constructor(private readonly volume: Volume) {}

  prepare(places: readonly [number, number, number, number, number, number]): boolean {
    const { data, size } = this.volume
    const range = (axis: 0 | 1 | 2) => {
      const last = size[axis] - 1
      const low = Math.max(0, Math.min(last, Math.floor(places[2 * axis]!) - 1 - REACH))
      return [low, Math.max(low, Math.min(last, Math.floor(places[2 * axis + 1]!) + 2 + REACH))] as const
    }
    const [[z0, z1], [y0, y1], [x0, x1]] = [range(0), range(1), range(2)]
    const block: Sizes = [z1 - z0 + 1, y1 - y0 + 1, x1 - x0 + 1]
    const count = block[0] * block[1] * block[2]
    if (count > BLOCK_VALUES) return false
    this.#start = [z0, y0, x0]
    this.#size = block
    if (this.#coefficients.length < count) this.#coefficients = new Float64Array(count)
    const values = this.#coefficients.subarray(0, count)
    for (let z = z0, to = 0; z <= z1; z++) {
      for (let y = y0; y <= y1; y++, to += block[2]) {
        const from = (z * size[1] + y) * size[2]
        values.set(data.subarray(from + x0, from + x1 + 1), to)
      }
    }
    filterBlock(values, block)
    return true
  }

  at(z: number, y: number, x: number): number {
    this.#place(0, z)
    this.#place(1, y)
    this.#place(2, x)
    const [, h, w] = this.#size
    const [wz, wy, wx] = this.#weights
    const [tz, ty, tx] = this.#taps
    let sum = 0
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 4; j++) {
        const row = (tz[i]! * h + ty[j]!) * w
        const c = this.#coefficients
        const line =
          c[row + tx[0]!]! * wx[0]! +
          c[row + tx[1]!]! * wx[1]! +
          c[row + tx[2]!]! * wx[2]! +
          c[row + tx[3]!]! * wx[3]!
        sum += wz[i]! * wy[j]! * line
      }
    }
    return sum
  }

  /** Weights and positions in the block of the four coefficients along an axis, mirrored at the volume's ends. */
  #place(axis: 0 | 1 | 2, at: number): void {
    const size = this.volume.size[axis]
    const first = Math.floor(at)
    splineWeights(at - first, this.#weights[axis])
    for (let i = 0; i < 4; i++) {
      let tap = first - 1 + i
      if (tap < 0) tap = -tap
      if (tap > size - 1) tap = 2 * (size - 1) - tap
      // Along one or two samples a mirrored place is mirrored again.
      tap = size === 1 ? 0 : Math.abs(tap)
      this.#taps[axis][i] = tap - this.#start[axis]
    }
  }
}
