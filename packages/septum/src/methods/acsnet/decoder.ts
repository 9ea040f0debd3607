import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import { ConvBlock } from '../../blocks/conv-block.js'
import { NonLocalBlock } from '../../blocks/non-local.js'
import { resizeMaps } from '../../blocks/resize.js'
import { SqueezeExcite } from '../../blocks/squeeze-excite.js'

const block = (inChannels: number, outChannels: number) =>
  new ConvBlock(inChannels, outChannels, 3, { bias: true, relu: true })

/** Two convolutions around a quarter of the channels, then the size of the next level. */
export class DecoderBlock extends nn.Module {
  readonly conv1: ConvBlock
  readonly conv2: ConvBlock

  constructor(inChannels: number, outChannels: number) {
    super()
    const inner = Math.floor(inChannels / 4)
    this.conv1 = block(inChannels, inner)
    this.conv2 = block(inner, outChannels)
  }

  /** @param x [N, in, h, w] @param size [H, W] @returns [N, out, H, W] */
  forward(x: Tensor, size: readonly number[]): Tensor {
    return scope(() => resizeMaps(this.conv2.forward(this.conv1.forward(x)), size))
  }
}

/** A convolution, dropped channels, and a 1x1 convolution to logits. */
export class SideOutput extends nn.Module {
  readonly conv1: ConvBlock
  readonly conv2: nn.Conv2d

  constructor(
    inChannels: number,
    inner: number,
    classes: number,
    private readonly dropout: number,
  ) {
    super()
    this.conv1 = block(inChannels, inner)
    this.conv2 = new nn.Conv2d(inner, classes, 1)
  }

  /** @param x [N, in, H, W] @returns logits [N, classes, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() =>
      this.conv2.forward(F.featureDropout(this.conv1.forward(x), this.dropout, this.training)),
    )
  }
}

/** The last {@link SideOutput}, whose layers the released code keeps in a sequence: `0` and `2`. */
export class FinalOutput extends SideOutput {
  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.conv1]
    yield ['2', this.conv2]
  }
}

/** Adaptive selection: local context, decoder and global context side by side, each channel weighed. */
export class AdaptiveSelection extends nn.Module {
  readonly non_local: NonLocalBlock
  readonly selayer: SqueezeExcite

  /** @param channels of the decoder @param all of the three together */
  constructor(channels: number, all: number) {
    super()
    this.non_local = new NonLocalBlock(channels)
    this.selayer = new SqueezeExcite(all)
  }

  /** @returns [N, all, H, W] */
  forward(local: Tensor | null, decoded: Tensor, global: Tensor): Tensor {
    return scope(() => {
      const parts = [this.non_local.forward(decoded), global]
      return this.selayer.forward(cat(local ? [local, ...parts] : parts, 1))
    })
  }
}
