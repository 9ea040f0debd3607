import { operator } from '../call.js'
import type { Tensor } from '../tensor.js'

type Sizes = number | readonly number[]

export interface ConvolutionOptions {
  readonly stride?: Sizes
  readonly padding?: Sizes | 'same' | 'valid'
  readonly dilation?: Sizes
  readonly groups?: number
}

export interface TransposedOptions {
  readonly stride?: Sizes
  readonly padding?: Sizes
  readonly outputPadding?: Sizes
  readonly groups?: number
  readonly dilation?: Sizes
}

function convolution(rank: 1 | 2 | 3) {
  const numeric = operator(`aten::conv${rank}d.default`)
  const byName = operator(`aten::conv${rank}d.padding`)
  return (
    input: Tensor,
    weight: Tensor,
    bias: Tensor | null = null,
    options: ConvolutionOptions = {},
  ): Tensor => {
    const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options
    return (typeof padding === 'string' ? byName : numeric).one(
      input,
      weight,
      bias,
      stride,
      padding,
      dilation,
      groups,
    )
  }
}

function transposed(rank: 1 | 2 | 3) {
  const found = operator(`aten::conv_transpose${rank}d${rank === 1 ? '.default' : '.input'}`)
  return (
    input: Tensor,
    weight: Tensor,
    bias: Tensor | null = null,
    options: TransposedOptions = {},
  ): Tensor => {
    const { stride = 1, padding = 0, outputPadding = 0, groups = 1, dilation = 1 } = options
    return found.one(input, weight, bias, stride, padding, outputPadding, groups, dilation)
  }
}

/** Cross-correlation. @param input [N, C, ...size] @param weight [O, C / groups, ...kernel] */
export const conv1d = convolution(1)
export const conv2d = convolution(2)
export const conv3d = convolution(3)
/** Transposed convolution. @param weight [C, O / groups, ...kernel] */
export const convTranspose1d = transposed(1)
export const convTranspose2d = transposed(2)
export const convTranspose3d = transposed(3)

const linearOp = operator('aten::linear')
/** input weightᵀ + bias. @param input [..., in] @param weight [out, in] @returns [..., out] */
export const linear = (input: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor =>
  linearOp.one(input, weight, bias)

const embeddingOp = operator('aten::embedding')
/** Rows of `weight` [V, C] at `indices` (int64, any shape): [..., C]. */
export const embedding = (indices: Tensor, weight: Tensor): Tensor => embeddingOp.one(weight, indices)
