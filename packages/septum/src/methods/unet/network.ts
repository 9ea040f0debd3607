import { cat, F, nn, type Tensor } from '@septum/torch'
import type { UnetOptions } from './options.js'

type Rank = 2 | 3

/** 3x3(x3) convolution with bias, batch norm, ReLU. */
class ConvBlock extends nn.Module {
  readonly conv: nn.Conv2d | nn.Conv3d
  readonly norm: nn.BatchNorm2d | nn.BatchNorm3d

  constructor(rank: Rank, inChannels: number, outChannels: number) {
    super()
    this.conv =
      rank === 2
        ? new nn.Conv2d(inChannels, outChannels, 3, { padding: 1 })
        : new nn.Conv3d(inChannels, outChannels, 3, { padding: 1 })
    this.norm = rank === 2 ? new nn.BatchNorm2d(outChannels) : new nn.BatchNorm3d(outChannels)
  }

  forward(x: Tensor): Tensor {
    return F.relu(this.norm.forward(this.conv.forward(x)))
  }
}

class DoubleConv extends nn.Module {
  readonly first: ConvBlock
  readonly second: ConvBlock

  constructor(rank: Rank, inChannels: number, outChannels: number) {
    super()
    this.first = new ConvBlock(rank, inChannels, outChannels)
    this.second = new ConvBlock(rank, outChannels, outChannels)
  }

  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x))
  }
}

/** U-Net with padded convolutions, in two or three dimensions; 34,527,041 parameters at the default widths. */
export class UnetNetwork extends nn.Module {
  readonly down: DoubleConv[]
  readonly up_conv: ConvBlock[]
  readonly up: DoubleConv[]
  readonly heads: (nn.Conv2d | nn.Conv3d)[]

  constructor(
    private readonly rank: Rank,
    inChannels: number,
    outChannels: number,
    private readonly options: Pick<UnetOptions, 'widths' | 'upsampling' | 'deepSupervision'>,
  ) {
    super()
    const { widths, upsampling, deepSupervision } = options
    const conv = upsampling === 'conv'
    this.down = widths.map((width, i) => new DoubleConv(rank, i === 0 ? inChannels : widths[i - 1]!, width))
    const skips = widths.slice(0, -1)
    // up[i] works at level i and takes the level below, which a convolution has brought to width i or not.
    this.up_conv = conv ? skips.map((width, i) => new ConvBlock(rank, widths[i + 1]!, width)) : []
    this.up = skips.map((width, i) => new DoubleConv(rank, width + (conv ? width : widths[i + 1]!), width))
    const headCount = deepSupervision ? skips.length : 1
    this.heads = Array.from({ length: headCount }, (_, i) =>
      rank === 2 ? new nn.Conv2d(widths[i]!, outChannels, 1) : new nn.Conv3d(widths[i]!, outChannels, 1),
    )
  }

  /** Factor that every side of an input must be a multiple of. */
  get multiple(): number {
    return 2 ** (this.options.widths.length - 1)
  }

  /**
   * @param x [N, C, ...size], sides multiples of {@link multiple}
   * @returns logits at full size [N, K, ...size] and, with deep supervision, at each half of it
   */
  forward(x: Tensor): Tensor[] {
    const { rank } = this
    const pool = rank === 2 ? F.maxPool2d : F.maxPool3d
    const skips: Tensor[] = []
    let features = x.to({ memoryFormat: rank === 2 ? 'channels_last' : 'channels_last_3d' })
    this.down.forEach((block, i) => {
      features = block.forward(i === 0 ? features : pool(features, 2)) // [N, widths[i], ...size / 2^i]
      skips.push(features)
    })
    const logits: Tensor[] = []
    for (let i = this.up.length - 1; i >= 0; i--) {
      const skip = skips[i]!
      const larger =
        this.options.upsampling === 'conv'
          ? this.up_conv[i]!.forward(F.interpolate(features, { scaleFactor: 2, mode: 'nearest' }))
          : F.interpolate(features, {
              size: skip.shape.slice(2),
              mode: rank === 2 ? 'bilinear' : 'trilinear',
              alignCorners: true,
            })
      features = this.up[i]!.forward(cat([skip, larger], 1))
      const head = this.heads[i]
      if (head) logits.unshift(head.forward(features))
    }
    return logits
  }
}
