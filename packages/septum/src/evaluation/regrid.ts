import { type ImageGeometry, invertAffine, multiplyAffines, toAffineLps } from '@septum/core'
import type { Decoded } from './decode.js'
import type { Grid } from './grid.js'

/**
 * Samples an image at the places of another grid, by the patient's coordinates where both know them, else
 * with both images stretched over the same area (half-pixel centres). Outside there is background.
 * @param continuous linear interpolation; otherwise the nearest sample.
 */
export function resampled(image: Decoded, target: Grid, continuous: boolean): Decoded {
  const known = image.geometry && target.geometry
  const [from, to] = known
    ? [image.geometry!, target.geometry!]
    : [stretchedOver(image.size, target.size), stretchedOver(target.size, target.size)]
  const matrix = multiplyAffines(invertAffine(toAffineLps(from)), toAffineLps(to))
  const [depth, height, width] = threeAxes(target.size)
  const source = threeAxes(image.size)
  const pixels = depth * height * width
  const own = image.data.length / image.channels
  const floats = image.data instanceof Float32Array || image.data instanceof Float64Array
  const data = continuous || floats ? new Float32Array(pixels * image.channels) : image.data.slice(0, 0)
  const out =
    data.length > 0 ? data : new (image.data.constructor as Uint8ArrayConstructor)(pixels * image.channels)
  // Whole numbers that stand for probabilities become fractions of their largest.
  const scale = continuous && !floats ? 1 / image.maxValue : 1
  for (let c = 0; c < image.channels; c++) {
    const plane = image.data.subarray(c * own, (c + 1) * own)
    for (let z = 0, at = c * pixels; z < depth; z++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, at++) {
          const sx = matrix[0]! * x + matrix[1]! * y + matrix[2]! * z + matrix[3]!
          const sy = matrix[4]! * x + matrix[5]! * y + matrix[6]! * z + matrix[7]!
          const sz = matrix[8]! * x + matrix[9]! * y + matrix[10]! * z + matrix[11]!
          out[at] = continuous
            ? scale * linear(plane, source, sz, sy, sx)
            : nearest(plane, source, sz, sy, sx)
        }
      }
    }
  }
  return {
    file: image.file,
    channels: image.channels,
    size: target.size,
    geometry: target.geometry,
    data: out,
    maxValue: continuous ? 1 : image.maxValue,
  }
}

type Size = readonly [number, number, number]
const threeAxes = (size: readonly number[]): Size =>
  (size.length === 2 ? [1, ...size] : size) as unknown as Size

function nearest(
  data: ArrayLike<number>,
  [depth, height, width]: Size,
  z: number,
  y: number,
  x: number,
): number {
  const [i, j, k] = [Math.round(z), Math.round(y), Math.round(x)]
  const inside = i >= 0 && j >= 0 && k >= 0 && i < depth && j < height && k < width
  return inside ? data[(i * height + j) * width + k]! : 0
}

/** Outside the outermost centres, up to half a sample, the nearest value holds. */
function linear(data: ArrayLike<number>, size: Size, z: number, y: number, x: number): number {
  const place = [z, y, x]
  if (place.some((value, i) => value < -0.5 || value > size[i]! - 0.5)) return 0
  const clamped = place.map((value, i) => Math.min(size[i]! - 1, Math.max(0, value)))
  const [low, share] = [clamped.map(Math.floor), clamped.map((value) => value - Math.floor(value))]
  let sum = 0
  for (let corner = 0; corner < 8; corner++) {
    let [weight, at] = [1, 0]
    for (let axis = 0; axis < 3; axis++) {
      const far = (corner >> axis) & 1
      weight *= far ? share[axis]! : 1 - share[axis]!
      at = at * size[axis]! + Math.min(size[axis]! - 1, low[axis]! + far)
    }
    if (weight > 0) sum += weight * data[at]!
  }
  return sum
}

/** A made-up geometry in which an image of `size` covers what one of `over` does at spacing 1. */
function stretchedOver(size: readonly number[], over: readonly number[]): ImageGeometry {
  const spacingMm = size.map((n, i) => over[i]! / n)
  const first = [...spacingMm].reverse().map((mm) => mm / 2 - 0.5)
  const unit = [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ] as const
  return {
    spacingMm,
    originMm: [first[0]!, first[1]!, first[2] ?? 0],
    directions: unit.slice(3 - size.length),
  }
}
