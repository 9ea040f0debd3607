import { cat, nn, scope, type Tensor } from '@septum/torch'
import { ConvBlock } from './conv-block.js'

/**
 * Four views of one map with growing receptive fields, joined and added to a shortcut (RFB, Liu et al. 2018, as
 * modified by Wu et al. 2019 and used by PraNet, Inf-Net and BCS-Net). No ReLU but the last.
 */
export class ReceptiveFieldBlock extends nn.Module {
  readonly branch0: nn.Sequential
  readonly branch1: nn.Sequential
  readonly branch2: nn.Sequential
  readonly branch3: nn.Sequential
  readonly conv_cat: ConvBlock
  readonly conv_res: ConvBlock

  constructor(inChannels: number, channels: number) {
    super()
    const wide = (k: number) =>
      new nn.Sequential(
        new ConvBlock(inChannels, channels, 1),
        new ConvBlock(channels, channels, [1, k]),
        new ConvBlock(channels, channels, [k, 1]),
        new ConvBlock(channels, channels, 3, { dilation: k }),
      )
    this.branch0 = new nn.Sequential(new ConvBlock(inChannels, channels, 1))
    this.branch1 = wide(3)
    this.branch2 = wide(5)
    this.branch3 = wide(7)
    this.conv_cat = new ConvBlock(4 * channels, channels, 3)
    this.conv_res = new ConvBlock(inChannels, channels, 1)
  }

  /** @param x [N, in, H, W] @returns [N, channels, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const views = [this.branch0, this.branch1, this.branch2, this.branch3].map((branch) =>
        branch.forward(x),
      )
      return this.conv_cat.forward(cat(views, 1)).add_(this.conv_res.forward(x)).relu_()
    })
  }
}
