import { nn, type Tensor } from '@septum/torch'
import { convNorm } from './backbones/index.js'

type Kernel = number | readonly [number, number]

export interface ConvBlockOptions {
  readonly stride?: number
  readonly dilation?: number
  /** Default false. */
  readonly bias?: boolean
  /** Whether a ReLU follows the norm. Default false: PraNet's "BasicConv2d" defines one that it never calls. */
  readonly relu?: boolean
}

/** Convolution that keeps the size (at stride 1) and batch norm, named `conv` and `bn`. */
export class ConvBlock extends nn.Module {
  readonly conv: nn.Conv2d
  readonly bn: nn.BatchNorm2d

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: Kernel,
    private readonly options: ConvBlockOptions = {},
  ) {
    super()
    const { stride = 1, dilation = 1, bias = false } = options
    const sides: readonly number[] = typeof kernel === 'number' ? [kernel, kernel] : kernel
    const padding = sides.map((k) => ((k - 1) / 2) * dilation)
    this.conv = new nn.Conv2d(inChannels, outChannels, sides, { stride, dilation, padding, bias })
    this.bn = new nn.BatchNorm2d(outChannels)
  }

  /** @param x [N, in, H, W] @returns [N, out, ceil(H / stride), ceil(W / stride)] */
  forward(x: Tensor): Tensor {
    const y = convNorm(this.conv, this.bn, x)
    return this.options.relu ? y.relu_() : y
  }
}
