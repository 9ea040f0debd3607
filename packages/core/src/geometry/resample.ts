import { SeptumError } from '../error.js'
import type { ImageSamples, MedicalImage } from '../image.js'
import { type Affine, applyAffine, invertAffine, multiplyAffines, toAffineLps } from './affine.js'
import { checkGeometry } from './geometry.js'
import { gridOf, type ImageGrid } from './grid.js'
import {
  CubicInterpolator,
  type Interpolator,
  LinearInterpolator,
  NearestInterpolator,
  type Sizes,
  type Volume,
} from './interpolate.js'

/** `nearest` for labels; `linear`; `cubic` B-splines, which may overshoot at edges. */
export type Interpolation = 'nearest' | 'linear' | 'cubic'

/** Options of `resample`. */
export interface ResampleOptions {
  /** Value of samples outside the image, default 0. */
  readonly fill?: number
}

/** A box of output samples: first index and one past the last along z, y, x. */
type Box = readonly [z0: number, z1: number, y0: number, y1: number, x0: number, x1: number]

/**
 * Samples an image on another grid.
 *
 * An image covers its voxels: places up to half a voxel beyond the outermost samples take the edge's value, all others
 * `fill`. Between samples: `nearest` rounds halves up (scipy.ndimage order 0); `linear` is order 1; `cubic` is order 3
 * with prefilter and mirrored ends (`mode='mirror'`). Integer types are rounded (halves up) and kept in their range.
 * Work goes block by block: memory is that of input and output and, for `cubic`, 16 MB.
 *
 * @param image [C, H, W] or [C, D, H, W] with geometry. @param grid of as many axes.
 * @throws SeptumError `image-geometry` for an image without geometry or a grid of other axes.
 */
export function resample(
  image: MedicalImage,
  grid: ImageGrid,
  interpolation: Interpolation,
  { fill = 0 }: ResampleOptions = {},
): MedicalImage {
  const source = gridOf(image)
  const axes = source.size.length
  if (grid.size.length !== axes || !grid.size.every((size) => Number.isInteger(size) && size > 0)) {
    throw new SeptumError(
      'image-geometry',
      `An image of ${axes} axes cannot be sampled on a grid of size ${grid.size.join(' x ')}`,
      'Give a grid with a positive size for each axis of the image.',
    )
  }
  checkGeometry(grid.geometry, axes)
  const toIndex = multiplyAffines(invertAffine(toAffineLps(source.geometry)), toAffineLps(grid.geometry))
  const size = threeSizes(source.size)
  const outSize = threeSizes(grid.size)
  const channels = image.shape[0]!
  const [values, outValues] = [size, outSize].map(([d, h, w]) => d * h * w) as [number, number]
  const out = emptyLike(image.data, channels * outValues)
  const store = rounder(out)
  for (let channel = 0; channel < channels; channel++) {
    const volume = { data: image.data.subarray(channel * values, (channel + 1) * values), size }
    const into = out.subarray(channel * outValues, (channel + 1) * outValues)
    const interpolator = interpolatorOf(interpolation, volume)
    sampleBox([0, outSize[0], 0, outSize[1], 0, outSize[2]], {
      volume,
      toIndex,
      interpolator,
      into,
      outSize,
      fill: store(fill),
      store,
    })
  }
  return { ...image, data: out, shape: [channels, ...grid.size], geometry: grid.geometry }
}

interface Job {
  readonly volume: Volume
  readonly toIndex: Affine
  readonly interpolator: Interpolator
  readonly into: ImageSamples
  readonly outSize: Sizes
  readonly fill: number
  readonly store: (value: number) => number
}

/** Prepares the part of the input that a box needs and fills the box, or halves the box if that part is too large. */
function sampleBox(box: Box, job: Job): void {
  const [z0, z1, y0, y1, x0, x1] = box
  if (!job.interpolator.prepare(sourceOf(box, job.toIndex))) {
    const lengths = [z1 - z0, y1 - y0, x1 - x0]
    const axis = lengths.indexOf(Math.max(...lengths))
    const middle = box[2 * axis]! + (lengths[axis]! >> 1)
    const [first, second] = [[...box], [...box]]
    first[2 * axis + 1] = middle
    second[2 * axis] = middle
    sampleBox(first as unknown as Box, job)
    sampleBox(second as unknown as Box, job)
    return
  }
  for (let z = z0; z < z1; z++) for (let y = y0; y < y1; y++) sampleRow(z, y, x0, x1, job)
}

function sampleRow(z: number, y: number, x0: number, x1: number, job: Job): void {
  const { toIndex, interpolator, into, outSize, volume, fill, store } = job
  const [d, h, w] = volume.size
  const [startX, startY, startZ] = applyAffine(toIndex, [0, y, z])
  const [stepX, stepY, stepZ] = [toIndex[0]!, toIndex[4]!, toIndex[8]!]
  const row = (z * outSize[1] + y) * outSize[2]
  for (let x = x0; x < x1; x++) {
    const px = startX + x * stepX
    const py = startY + x * stepY
    const pz = startZ + x * stepZ
    const inside = isWithin(px, w) && isWithin(py, h) && isWithin(pz, d)
    into[row + x] = inside ? store(interpolator.at(clamp(pz, d), clamp(py, h), clamp(px, w))) : fill
  }
}

/** Rounding of two matrix products may push a place on the border out by about this much. */
const BORDER = 1e-6
const isWithin = (at: number, size: number) => at >= -0.5 - BORDER && at <= size - 0.5 + BORDER
const clamp = (at: number, size: number) => (at < 0 ? 0 : at > size - 1 ? size - 1 : at)

/** Smallest box of the input, as places [z0, z1, y0, y1, x0, x1], that holds all places of an output box. */
function sourceOf([z0, z1, y0, y1, x0, x1]: Box, toIndex: Affine): Box {
  const low = [Infinity, Infinity, Infinity]
  const high = [-Infinity, -Infinity, -Infinity]
  for (let corner = 0; corner < 8; corner++) {
    const place = applyAffine(toIndex, [
      corner & 1 ? x1 - 1 : x0,
      corner & 2 ? y1 - 1 : y0,
      corner & 4 ? z1 - 1 : z0,
    ])
    place.forEach((value, axis) => {
      low[axis] = Math.min(low[axis]!, value)
      high[axis] = Math.max(high[axis]!, value)
    })
  }
  return [low[2]!, high[2]!, low[1]!, high[1]!, low[0]!, high[0]!]
}

function interpolatorOf(interpolation: Interpolation, volume: Volume): Interpolator {
  switch (interpolation) {
    case 'nearest':
      return new NearestInterpolator(volume)
    case 'linear':
      return new LinearInterpolator(volume)
    case 'cubic':
      return new CubicInterpolator(volume)
  }
}

const threeSizes = (size: readonly number[]): Sizes =>
  (size.length === 3 ? size : [1, ...size]) as unknown as Sizes

function emptyLike(samples: ImageSamples, length: number): ImageSamples {
  const make = samples.constructor as new (length: number) => ImageSamples
  return new make(length)
}

/** What a value becomes in an array: rounded and kept in range for integers. */
function rounder(samples: ImageSamples): (value: number) => number {
  if (samples instanceof Float32Array || samples instanceof Float64Array) return (value) => value
  const signed =
    samples instanceof Int8Array || samples instanceof Int16Array || samples instanceof Int32Array
  const bits = samples.BYTES_PER_ELEMENT * 8
  const [least, most] = signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]
  // A value that is a whole number but for rounding errors of the weights must not drop to the next lower one.
  return (value) => Math.min(most, Math.max(least, Math.floor(value + 0.5 + 1e-9)))
}
