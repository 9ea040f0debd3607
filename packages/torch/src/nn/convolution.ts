import { empty } from '../create.js'
import {
  type ConvolutionOptions,
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type TransposedOptions,
} from '../functional/convolution.js'
import type { Tensor } from '../ops/index.js'
import { fanInOut, kaimingUniform_, uniform_ } from './init.js'
import { Module, parameter } from './module.js'

type Sizes = number | readonly number[]

export interface ConvOptions extends ConvolutionOptions {
  readonly bias?: boolean
}

export interface ConvTransposeOptions extends TransposedOptions {
  readonly bias?: boolean
}

const kernelOf = (kernel: Sizes, rank: number): readonly number[] =>
  typeof kernel === 'number' ? new Array<number>(rank).fill(kernel) : kernel

function perGroup(name: string, channels: number, groups: number): number {
  if (channels % groups !== 0)
    throw new RangeError(`${name} of ${channels} do not divide into ${groups} groups`)
  return channels / groups
}

/** PyTorch's default: kaiming uniform with a = sqrt 5, that is uniform in ±1 / sqrt(fan-in); so is the bias. */
function parametersOf(shape: readonly number[], out: number, bias: boolean): [Tensor, Tensor | null] {
  const weight = parameter(kaimingUniform_(empty(shape), { a: Math.sqrt(5) }))
  const bound = 1 / Math.sqrt(fanInOut(weight).fanIn)
  return [weight, bias ? parameter(uniform_(empty([out]), -bound, bound)) : null]
}

/** Weight [outChannels, inChannels / groups, ...kernel] and bias of a convolution of any rank. */
abstract class Convolution extends Module {
  weight: Tensor
  bias: Tensor | null

  constructor(
    rank: number,
    readonly inChannels: number,
    readonly outChannels: number,
    kernel: Sizes,
    readonly options: ConvOptions,
  ) {
    super()
    const { groups = 1, bias = true } = options
    perGroup('output channels', outChannels, groups)
    const shape = [outChannels, perGroup('input channels', inChannels, groups), ...kernelOf(kernel, rank)]
    ;[this.weight, this.bias] = parametersOf(shape, outChannels, bias)
  }

  /**
   * @param x [N, inChannels, ...size]
   * @returns [N, outChannels, ...floor((size + 2 padding - dilation (kernel - 1) - 1) / stride + 1)]
   */
  abstract forward(x: Tensor): Tensor
}

/** Weight [inChannels, outChannels / groups, ...kernel] and bias of a transposed convolution of any rank. */
abstract class ConvTranspose extends Module {
  weight: Tensor
  bias: Tensor | null

  constructor(
    rank: number,
    readonly inChannels: number,
    readonly outChannels: number,
    kernel: Sizes,
    readonly options: ConvTransposeOptions,
  ) {
    super()
    const { groups = 1, bias = true } = options
    perGroup('input channels', inChannels, groups)
    const shape = [inChannels, perGroup('output channels', outChannels, groups), ...kernelOf(kernel, rank)]
    ;[this.weight, this.bias] = parametersOf(shape, outChannels, bias)
  }

  /**
   * @param x [N, inChannels, ...size]
   * @returns [N, outChannels, ...(size - 1) stride - 2 padding + dilation (kernel - 1) + outputPadding + 1]
   */
  abstract forward(x: Tensor): Tensor
}

/** Convolution of signals [N, C, L]. */
export class Conv1d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options: ConvOptions = {}) {
    super(1, inChannels, outChannels, kernel, options)
  }

  override forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.options)
  }
}

/** Convolution of images [N, C, H, W]. */
export class Conv2d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options: ConvOptions = {}) {
    super(2, inChannels, outChannels, kernel, options)
  }

  override forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options)
  }
}

/** Convolution of volumes [N, C, D, H, W]. */
export class Conv3d extends Convolution {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options: ConvOptions = {}) {
    super(3, inChannels, outChannels, kernel, options)
  }

  override forward(x: Tensor): Tensor {
    return conv3d(x, this.weight, this.bias, this.options)
  }
}

/** Transposed convolution of signals [N, C, L]. */
export class ConvTranspose1d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options: ConvTransposeOptions = {}) {
    super(1, inChannels, outChannels, kernel, options)
  }

  override forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.options)
  }
}

/** Transposed convolution of images [N, C, H, W]. */
export class ConvTranspose2d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options: ConvTransposeOptions = {}) {
    super(2, inChannels, outChannels, kernel, options)
  }

  override forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options)
  }
}

/** Transposed convolution of volumes [N, C, D, H, W]. */
export class ConvTranspose3d extends ConvTranspose {
  constructor(inChannels: number, outChannels: number, kernel: Sizes, options: ConvTransposeOptions = {}) {
    super(3, inChannels, outChannels, kernel, options)
  }

  override forward(x: Tensor): Tensor {
    return convTranspose3d(x, this.weight, this.bias, this.options)
  }
}
