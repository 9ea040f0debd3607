import { operator } from '../call.js'
import type { Tensor } from '../tensor.js'

type Sizes = number | readonly number[]
export type InterpolationMode = 'nearest' | 'linear' | 'bilinear' | 'bicubic' | 'trilinear' | 'area'

export interface InterpolateOptions {
  /** Output size, or ... */
  readonly size?: Sizes
  /** ... its ratio to the input size. */
  readonly scaleFactor?: number | readonly number[]
  readonly mode?: InterpolationMode
  /** Whether the centres of the corner pixels coincide; half-pixel centres otherwise. */
  readonly alignCorners?: boolean
}

const names: Record<number, Partial<Record<InterpolationMode, string>>> = {
  1: { nearest: 'upsample_nearest1d', linear: 'upsample_linear1d' },
  2: { nearest: 'upsample_nearest2d', bilinear: 'upsample_bilinear2d', bicubic: 'upsample_bicubic2d' },
  3: { nearest: 'upsample_nearest3d', trilinear: 'upsample_trilinear3d' },
}

/**
 * Resizes [N, C, ...size]. With `scaleFactor` the ratio itself places the samples, as in PyTorch.
 * @throws RangeError unless exactly one of size and scaleFactor is given, or when the mode does not fit the rank.
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const { size, scaleFactor, mode = 'nearest', alignCorners = false } = options
  const rank = x.ndim - 2
  if ((size === undefined) === (scaleFactor === undefined))
    throw new RangeError('interpolate() needs either size or scaleFactor')
  const sizes = typeof size === 'number' ? new Array<number>(rank).fill(size) : size
  const factors = typeof scaleFactor === 'number' ? new Array<number>(rank).fill(scaleFactor) : scaleFactor
  if (mode === 'area') {
    const target = sizes ?? x.shape.slice(2).map((n, i) => Math.floor(n * factors![i]!))
    return operator(`aten::adaptive_avg_pool${rank}d${rank === 1 ? '' : '.default'}`).one(x, target)
  }
  const name = names[rank]?.[mode]
  if (!name) throw new RangeError(`interpolate() mode '${mode}' does not fit ${rank} spatial axes`)
  const found = operator(`aten::${name}.vec`)
  return mode === 'nearest'
    ? found.one(x, sizes ?? null, factors ?? null)
    : found.one(x, sizes ?? null, alignCorners, factors ?? null)
}

/** Pads the last axes; `padding` lists (before, after) from the last axis backwards. */
export const pad = (
  x: Tensor,
  padding: readonly number[],
  mode: 'constant' | 'reflect' | 'replicate' | 'circular' = 'constant',
  value = 0,
): Tensor => operator('aten::pad').one(x, padding, mode, mode === 'constant' ? value : null)

const interpolationCode = { bilinear: 0, nearest: 1, bicubic: 2 } as const
const paddingCode = { zeros: 0, border: 1, reflection: 2 } as const

export interface GridSampleOptions {
  readonly mode?: keyof typeof interpolationCode
  readonly paddingMode?: keyof typeof paddingCode
  readonly alignCorners?: boolean
}

/** Samples x [N, C, H, W] at grid [N, h, w, 2] of (x, y) in [-1, 1]; also volumes with [N, d, h, w, 3]. */
export const gridSample = (x: Tensor, grid: Tensor, options: GridSampleOptions = {}): Tensor => {
  const { mode = 'bilinear', paddingMode = 'zeros', alignCorners = false } = options
  return operator('aten::grid_sampler').one(
    x,
    grid,
    interpolationCode[mode],
    paddingCode[paddingMode],
    alignCorners,
  )
}

/** Grid of the affine maps theta [N, 2, 3] (or [N, 3, 4]) for an output of size [N, C, ...size]. */
export const affineGrid = (theta: Tensor, size: readonly number[], alignCorners = false): Tensor =>
  operator('aten::affine_grid_generator').one(theta, size, alignCorners)

/** [N, C r², H, W] -> [N, C, H r, W r] */
export const pixelShuffle = (x: Tensor, factor: number): Tensor =>
  operator('aten::pixel_shuffle').one(x, factor)
export const pixelUnshuffle = (x: Tensor, factor: number): Tensor =>
  operator('aten::pixel_unshuffle').one(x, factor)
/** Sliding blocks as columns: [N, C kernel², L]. */
export const unfold = (
  x: Tensor,
  kernel: readonly [number, number],
  { dilation = 1, padding = 0, stride = 1 } = {},
): Tensor => operator('aten::im2col').one(x, kernel, dilation, padding, stride)
