import { cat, nn, scope, type Tensor } from '@septum/torch'
import {
  type EfficientAttentionOptions,
  EfficientCrossAttention,
  EfficientSelfAttention,
} from '../../blocks/efficient-attention.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'

const conv3 = (i: number, o: number) => new nn.Conv2d(i, o, 3, { padding: 1, bias: false })

/** Norm, ReLU, 3x3 convolution, twice; the shortcut is norm, ReLU and 1x1 convolution where the width changes. */
export class PreActivationBlock extends nn.Module {
  readonly norm1: nn.BatchNorm2d
  readonly conv1: nn.Conv2d
  readonly norm2: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly shortcutNorm: nn.BatchNorm2d | null
  readonly shortcutConv: nn.Conv2d | null

  constructor(inChannels: number, outChannels: number) {
    super()
    const other = inChannels !== outChannels
    this.norm1 = new nn.BatchNorm2d(inChannels)
    this.conv1 = conv3(inChannels, outChannels)
    this.norm2 = new nn.BatchNorm2d(outChannels)
    this.conv2 = conv3(outChannels, outChannels)
    this.shortcutNorm = other ? new nn.BatchNorm2d(inChannels) : null
    this.shortcutConv = other ? new nn.Conv2d(inChannels, outChannels, 1, { bias: false }) : null
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const inner = this.conv1.forward(this.norm1.forward(x).relu_())
      const residual = this.conv2.forward(this.norm2.forward(inner).relu_())
      return this.#shortcut(x).add(residual)
    })
  }

  #shortcut(x: Tensor): Tensor {
    const { shortcutNorm, shortcutConv } = this
    return shortcutNorm && shortcutConv ? shortcutConv.forward(shortcutNorm.forward(x).relu_()) : x
  }
}

/** Norm, ReLU, 1x1 convolution, added to what came in: what stands for an MLP here. */
class PointwiseResidual extends nn.Module {
  readonly norm: nn.BatchNorm2d
  readonly conv: nn.Conv2d

  constructor(channels: number) {
    super()
    this.norm = new nn.BatchNorm2d(channels)
    this.conv = new nn.Conv2d(channels, channels, 1, { bias: false })
  }

  forward(x: Tensor): Tensor {
    return x.add(this.conv.forward(this.norm.forward(x).relu_()))
  }
}

/** Transformer block of the encoder. */
export class AttentionBlock extends nn.Module {
  readonly norm: nn.BatchNorm2d
  readonly attention: EfficientSelfAttention
  readonly mlp: PointwiseResidual

  constructor(channels: number, options: EfficientAttentionOptions) {
    super()
    this.norm = new nn.BatchNorm2d(channels)
    this.attention = new EfficientSelfAttention(channels, options)
    this.mlp = new PointwiseResidual(channels)
  }

  /** @param x [N, C, H, W] @returns the same shape */
  forward(x: Tensor): Tensor {
    return scope(() => this.mlp.forward(x.add(this.attention.forward(this.norm.forward(x)))))
  }
}

/** An expanding step: the coarse map is brought to the size of the skip and joined with it. */
export interface UpStep extends nn.Module {
  /** @param coarse [N, below, h, w] @param skip [N, C, H, W] @returns [N, C, H, W] */
  forward(coarse: Tensor, skip: Tensor): Tensor
}

/** The coarse map, enlarged and corrected by what the skip finds in it; then a residual block over both. */
export class AttentionUp extends nn.Module implements UpStep {
  readonly coarseNorm: nn.BatchNorm2d
  readonly skipNorm: nn.BatchNorm2d
  readonly project: nn.Conv2d
  readonly attention: EfficientCrossAttention
  readonly mlp: PointwiseResidual
  readonly block: PreActivationBlock

  constructor(below: number, channels: number, options: EfficientAttentionOptions) {
    super()
    this.coarseNorm = new nn.BatchNorm2d(below)
    this.skipNorm = new nn.BatchNorm2d(channels)
    this.project = new nn.Conv2d(below, channels, 1)
    this.attention = new EfficientCrossAttention(channels, below, options)
    this.mlp = new PointwiseResidual(channels)
    this.block = new PreActivationBlock(2 * channels, channels)
  }

  forward(coarse: Tensor, skip: Tensor): Tensor {
    return scope(() => {
      const enlarged = resizeMaps(this.project.forward(coarse), sizeOf(skip), true)
      const found = this.attention.forward(this.skipNorm.forward(skip), this.coarseNorm.forward(coarse))
      return this.block.forward(cat([this.mlp.forward(found.add(enlarged)), skip], 1))
    })
  }
}

/** The coarse map, enlarged; then two residual blocks over skip and map. */
export class ConvUp extends nn.Module implements UpStep {
  readonly project: nn.Conv2d
  readonly blocks: PreActivationBlock[]

  constructor(below: number, channels: number) {
    super()
    this.project = new nn.Conv2d(below, channels, 1)
    this.blocks = [new PreActivationBlock(2 * channels, channels), new PreActivationBlock(channels, channels)]
  }

  forward(coarse: Tensor, skip: Tensor): Tensor {
    // A 1x1 convolution with bias and bilinear resizing commute: the small map is the cheaper one to convolve.
    const both = cat([skip, resizeMaps(this.project.forward(coarse), sizeOf(skip), true)], 1)
    return this.blocks.reduce((x, block) => block.forward(x), both)
  }
}
