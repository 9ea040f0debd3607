import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU } from '../../blocks/backbones/index.js'

/** 3x3 convolution with bias, batch norm, leaky ReLU. */
export class ConvNormLeaky extends nn.Module {
  readonly layer: ConvNormReLU

  constructor(inChannels: number, outChannels: number) {
    super()
    this.layer = new ConvNormReLU(inChannels, outChannels, 3, { relu: false })
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return F.leakyRelu(this.layer.forward(x), 0.01)
  }
}

/** Two of them: a level of every path. */
export class LevelBlock extends nn.Module {
  readonly first: ConvNormLeaky
  readonly second: ConvNormLeaky

  constructor(inChannels: number, outChannels: number) {
    super()
    this.first = new ConvNormLeaky(inChannels, outChannels)
    this.second = new ConvNormLeaky(outChannels, outChannels)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => this.second.forward(this.first.forward(x)))
  }
}

const enlarge = (x: Tensor, scaleFactor: number): Tensor => F.interpolate(x, { scaleFactor, mode: 'nearest' })

/**
 * A small U-Net of one width inside the large one: from an encoder level two levels down at once, then level by level
 * to the coarsest, and back up to two levels below where it began.
 */
export class NestedPath extends nn.Module {
  readonly down: LevelBlock[]
  readonly up: LevelBlock[]

  /** @param levels levels that it has on its way down, at least 1 */
  constructor(channels: number, levels: number) {
    super()
    this.down = Array.from({ length: levels }, () => new LevelBlock(channels, channels))
    this.up = Array.from({ length: levels - 1 }, () => new LevelBlock(channels, channels))
  }

  /** @param x level i [N, C, H, W] @returns the coarsest level, [N, C, H / 2^(levels + 1), W / 2^(levels + 1)] */
  descend(x: Tensor): Tensor {
    return scope(() =>
      this.down.reduce((map, block, step) => block.forward(F.maxPool2d(map, step === 0 ? 4 : 2)), x),
    )
  }

  /** @param x what {@link descend} gave @returns at the size of level i, [N, C, H, W] */
  ascend(x: Tensor): Tensor {
    return scope(() =>
      enlarge(
        this.up.reduce((map, block) => block.forward(enlarge(map, 2)), x),
        4,
      ),
    )
  }
}

/** One step of the decoder: maps of a level and the doubled map below, two convolutions. */
export class UpStep extends nn.Module {
  readonly block: LevelBlock

  constructor(atLevel: number, below: number, outChannels: number) {
    super()
    this.block = new LevelBlock(atLevel + below, outChannels)
  }

  /** @param maps of the level, each [N, *, H, W] @param below [N, below, H / 2, W / 2] @returns [N, out, H, W] */
  forward(maps: readonly Tensor[], below: Tensor): Tensor {
    return scope(() => this.block.forward(cat([...maps, enlarge(below, 2)], 1)))
  }
}
