import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU, convNorm } from '../../blocks/backbones/index.js'
import { SqueezeExcite } from '../../blocks/squeeze-excite.js'

const conv3 = (i: number, o: number, stride = 1) => new nn.Conv2d(i, o, 3, { stride, padding: 1 })

/** Batch norm, ReLU, 3x3 convolution. */
class NormConv extends nn.Module {
  readonly norm: nn.BatchNorm2d
  readonly conv: nn.Conv2d

  constructor(inChannels: number, outChannels: number, stride = 1) {
    super()
    this.norm = new nn.BatchNorm2d(inChannels)
    this.conv = conv3(inChannels, outChannels, stride)
  }

  forward(x: Tensor): Tensor {
    return this.conv.forward(this.norm.forward(x).relu_())
  }
}

/** Two convolutions around a normalised 1x1 shortcut, then the channel gate; the stem begins with a bare convolution. */
export class GatedResidual extends nn.Module {
  readonly first: NormConv | nn.Conv2d
  readonly second: NormConv
  readonly shortcut: nn.Conv2d
  readonly shortcutNorm: nn.BatchNorm2d
  readonly gate: SqueezeExcite

  constructor(inChannels: number, outChannels: number, ratio: number, { stride = 1, stem = false } = {}) {
    super()
    this.first = stem ? conv3(inChannels, outChannels, stride) : new NormConv(inChannels, outChannels, stride)
    this.second = new NormConv(outChannels, outChannels)
    this.shortcut = new nn.Conv2d(inChannels, outChannels, 1, { stride })
    this.shortcutNorm = new nn.BatchNorm2d(outChannels)
    this.gate = new SqueezeExcite(outChannels, ratio)
  }

  /** @param x [N, in, H, W] @returns [N, out, ceil(H / stride), ceil(W / stride)] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const residual = this.second.forward(this.first.forward(x))
      return this.gate.forward(residual.add(convNorm(this.shortcut, this.shortcutNorm, x)))
    })
  }
}

/** Sum of dilated 3x3 convolutions and a plain one, each with batch norm, then a 1x1 convolution. */
export class DilatedSum extends nn.Module {
  readonly branches: ConvNormReLU[]
  readonly out: nn.Conv2d

  constructor(inChannels: number, outChannels: number, dilations: readonly number[]) {
    super()
    this.branches = [...dilations, 1].map(
      (dilation) => new ConvNormReLU(inChannels, outChannels, 3, { dilation, relu: false }),
    )
    this.out = new nn.Conv2d(outChannels, outChannels, 1)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() =>
      this.out.forward(this.branches.map((branch) => branch.forward(x)).reduce((a, b) => a.add(b))),
    )
  }
}

/** What the skip says, pooled, weighs the coarser decoder map. */
class SkipAttention extends nn.Module {
  readonly skip: NormConv
  readonly coarse: NormConv
  readonly both: NormConv

  constructor(skip: number, channels: number) {
    super()
    this.skip = new NormConv(skip, channels)
    this.coarse = new NormConv(channels, channels)
    this.both = new NormConv(channels, channels)
  }

  /** @param skip [N, skip, 2 H, 2 W] @param x [N, C, H, W] @returns [N, C, H, W] */
  forward(skip: Tensor, x: Tensor): Tensor {
    const sum = F.maxPool2d(this.skip.forward(skip), 2).add(this.coarse.forward(x))
    return x.mul(this.both.forward(sum))
  }
}

/** Attention, nearest up-sampling, the skip, a residual block. */
export class AttentiveUp extends nn.Module {
  readonly attention: SkipAttention
  readonly block: GatedResidual

  constructor(skip: number, below: number, outChannels: number, ratio: number) {
    super()
    this.attention = new SkipAttention(skip, below)
    this.block = new GatedResidual(below + skip, outChannels, ratio)
  }

  /** @param skip [N, skip, 2 H, 2 W] @param coarse [N, below, H, W] @returns [N, out, 2 H, 2 W] */
  forward(skip: Tensor, coarse: Tensor): Tensor {
    return scope(() => {
      const up = F.interpolate(this.attention.forward(skip, coarse), { scaleFactor: 2, mode: 'nearest' })
      return this.block.forward(cat([up, skip], 1))
    })
  }
}
