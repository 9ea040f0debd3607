import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU } from '../../blocks/backbones/index.js'

/** Bilinear up-sampling, the skip, two convolutions. */
class DecoderBlock extends nn.Module {
  readonly conv1: ConvNormReLU
  readonly conv2: ConvNormReLU

  constructor(inChannels: number, skip: number, outChannels: number) {
    super()
    this.conv1 = new ConvNormReLU(inChannels + skip, outChannels, 3, { bias: false })
    this.conv2 = new ConvNormReLU(outChannels, outChannels, 3, { bias: false })
  }

  /** @param x [N, in, H, W] @param skip [N, skip, 2 H, 2 W] @returns [N, out, 2 H, 2 W] */
  forward(x: Tensor, skip: Tensor | null): Tensor {
    return scope(() => {
      const up = F.interpolate(x, { scaleFactor: 2, mode: 'bilinear', alignCorners: true })
      return this.conv2.forward(this.conv1.forward(skip ? cat([up, skip], 1) : up))
    })
  }
}

export interface DecoderOptions {
  readonly channels: number
  readonly bridgeChannels: number
  readonly decoderChannels: readonly number[]
  /** Channels of the skips, coarse to fine; a level without skip has 0. */
  readonly skipChannels: readonly number[]
}

/** TransUNet's cascaded up-sampler: from the tokens' grid to the size of the image in four steps. */
export class Decoder extends nn.Module {
  readonly conv_more: ConvNormReLU
  readonly blocks: DecoderBlock[]

  constructor({ channels, bridgeChannels, decoderChannels, skipChannels }: DecoderOptions) {
    super()
    this.conv_more = new ConvNormReLU(channels, bridgeChannels, 3, { bias: false })
    const inputs = [bridgeChannels, ...decoderChannels]
    this.blocks = decoderChannels.map((out, i) => new DecoderBlock(inputs[i]!, skipChannels[i] ?? 0, out))
  }

  /** @param map [N, channels, H / 16, W / 16] @param skips coarse to fine @returns [N, last, H, W] */
  forward(map: Tensor, skips: readonly Tensor[]): Tensor {
    return this.blocks.reduce(
      (x, block, i) => block.forward(x, skips[i] ?? null),
      this.conv_more.forward(map),
    )
  }
}
