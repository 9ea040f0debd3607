import { nn, scope, type Tensor } from '@septum/torch'
import { ConvBlock } from '../../blocks/conv-block.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import { PlainConv } from './boundary.js'

/** Semantic guidance unit: the three deeper levels joined at the middle one into a coarse map. */
export class SemanticGuidance extends nn.Module {
  readonly conv_1: ConvBlock
  /** Of the two deeper levels, which share it in the released code. */
  readonly conv_2: ConvBlock
  readonly conv_3: PlainConv
  readonly conv_4: PlainConv
  readonly conv_5: PlainConv

  constructor(channels: number, classes: number) {
    super()
    this.conv_1 = new ConvBlock(channels, channels, 3, { stride: 2 })
    this.conv_2 = new ConvBlock(channels, channels, 3)
    this.conv_3 = new PlainConv(channels, 16, 1, true)
    this.conv_4 = new PlainConv(16, 16, 3, true)
    this.conv_5 = new PlainConv(16, classes, 1, false)
  }

  /** @param x4, x3, x2 deep to shallow, [N, channels, ...] @returns logits [N, classes, ...] at x3's size */
  forward(x4: Tensor, x3: Tensor, x2: Tensor): Tensor {
    return scope(() => {
      const deep = resizeMaps(this.conv_2.forward(x4), sizeOf(x3), true)
      const sum = deep.add(this.conv_2.forward(x3)).add(this.conv_1.forward(x2))
      return this.conv_5.forward(this.conv_4.forward(this.conv_3.forward(sum)))
    })
  }
}
