import { cat, nn, scope, type Tensor } from '@septum/torch'
import { ConvBlock } from './conv-block.js'
import { resizeMaps, sizeOf } from './resize.js'

/**
 * Joins the three deeper levels by products and concatenations into one coarse map (cascaded partial decoder, Wu et
 * al. 2019; PraNet, section 2.1). All resizing aligns corners.
 */
export class PartialDecoder extends nn.Module {
  readonly conv_upsample1: ConvBlock
  readonly conv_upsample2: ConvBlock
  readonly conv_upsample3: ConvBlock
  readonly conv_upsample4: ConvBlock
  readonly conv_upsample5: ConvBlock
  readonly conv_concat2: ConvBlock
  readonly conv_concat3: ConvBlock
  readonly conv4: ConvBlock
  readonly conv5: nn.Conv2d

  constructor(channels: number, classes: number) {
    super()
    const same = (times: number) => new ConvBlock(times * channels, times * channels, 3)
    this.conv_upsample1 = same(1)
    this.conv_upsample2 = same(1)
    this.conv_upsample3 = same(1)
    this.conv_upsample4 = same(1)
    this.conv_upsample5 = same(2)
    this.conv_concat2 = same(2)
    this.conv_concat3 = same(3)
    this.conv4 = same(3)
    this.conv5 = new nn.Conv2d(3 * channels, classes, 1)
  }

  /** @param x4, x3, x2 deep to shallow, [N, channels, ...], each half as large as the next @returns logits at x2's size */
  forward(x4: Tensor, x3: Tensor, x2: Tensor): Tensor {
    return scope(() => {
      const up3 = resizeMaps(x4, sizeOf(x3), true)
      const up2 = resizeMaps(up3, sizeOf(x2), true)
      const joined3 = this.conv_upsample1.forward(up3).mul(x3)
      const joined2 = this.conv_upsample2
        .forward(up2)
        .mul(this.conv_upsample3.forward(resizeMaps(x3, sizeOf(x2), true)))
        .mul(x2)
      const both = this.conv_concat2.forward(cat([joined3, this.conv_upsample4.forward(up3)], 1)) // [N, 2C, x3]
      const upBoth = this.conv_upsample5.forward(resizeMaps(both, sizeOf(x2), true))
      const all = this.conv_concat3.forward(cat([joined2, upBoth], 1)) // [N, 3C, x2]
      return this.conv5.forward(this.conv4.forward(all))
    })
  }
}
