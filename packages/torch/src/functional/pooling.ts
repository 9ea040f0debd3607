import { operator } from '../call.js'
import type { Tensor } from '../tensor.js'

type Sizes = number | readonly number[]

export interface PoolOptions {
  readonly stride?: Sizes
  readonly padding?: Sizes
  readonly ceilMode?: boolean
}

const maxPool =
  (rank: 1 | 2 | 3) =>
  (
    x: Tensor,
    kernel: Sizes,
    { stride = kernel, padding = 0, ceilMode = false, dilation = 1 }: PoolOptions & { dilation?: Sizes } = {},
  ): Tensor =>
    operator(`aten::max_pool${rank}d`).one(x, kernel, stride, padding, dilation, ceilMode)

const avgPool =
  (rank: 1 | 2 | 3) =>
  (
    x: Tensor,
    kernel: Sizes,
    {
      stride = kernel,
      padding = 0,
      ceilMode = false,
      countIncludePad = true,
    }: PoolOptions & { countIncludePad?: boolean } = {},
  ): Tensor =>
    operator(`aten::avg_pool${rank}d`).one(x, kernel, stride, padding, ceilMode, countIncludePad)

export const maxPool1d = maxPool(1)
export const maxPool2d = maxPool(2)
export const maxPool3d = maxPool(3)
export const avgPool1d = avgPool(1)
export const avgPool2d = avgPool(2)
export const avgPool3d = avgPool(3)

const square = (size: Sizes, rank: number): readonly number[] =>
  typeof size === 'number' ? new Array(rank).fill(size) : size

/** Averages windows ⌊i n / p⌋ .. ⌈(i + 1) n / p⌉ so that the output has the given size. */
export const adaptiveAvgPool1d = (x: Tensor, size: Sizes): Tensor =>
  operator('aten::adaptive_avg_pool1d').one(x, square(size, 1))
export const adaptiveAvgPool2d = (x: Tensor, size: Sizes): Tensor =>
  operator('aten::adaptive_avg_pool2d.default').one(x, square(size, 2))
export const adaptiveAvgPool3d = (x: Tensor, size: Sizes): Tensor =>
  operator('aten::adaptive_avg_pool3d.default').one(x, square(size, 3))
export const adaptiveMaxPool2d = (x: Tensor, size: Sizes): Tensor =>
  operator('aten::adaptive_max_pool2d.default').all(x, square(size, 2))[0] as Tensor
export const adaptiveMaxPool3d = (x: Tensor, size: Sizes): Tensor =>
  operator('aten::adaptive_max_pool3d.default').all(x, square(size, 3))[0] as Tensor
