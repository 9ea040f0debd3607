import { nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU } from '../../blocks/backbones/index.js'

/**
 * Two 3x3 convolutions, one of them dilated, and for each channel and image the share of either, from the means of
 * their sum (Byra et al. 2020, section 2.2).
 */
export class SelectiveLayer extends nn.Module {
  readonly dilated: ConvNormReLU
  readonly plain: ConvNormReLU
  readonly squeeze: nn.Linear
  readonly squeezeNorm: nn.BatchNorm1d
  readonly excite: nn.Linear

  constructor(inChannels: number, outChannels: number, compression: number) {
    super()
    const inner = Math.max(1, Math.floor(outChannels * compression))
    this.dilated = new ConvNormReLU(inChannels, outChannels, 3, { dilation: 2 })
    this.plain = new ConvNormReLU(inChannels, outChannels)
    this.squeeze = new nn.Linear(outChannels, inner)
    this.squeezeNorm = new nn.BatchNorm1d(inner)
    this.excite = new nn.Linear(inner, outChannels)
  }

  /** @param x [N, in, H, W]; in training N is at least 2 @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const wide = this.dilated.forward(x)
      const narrow = this.plain.forward(x)
      const means = wide.add(narrow).mean([2, 3]) // [N, out]
      const hidden = this.squeezeNorm.forward(this.squeeze.forward(means)).relu()
      const share = this.excite.forward(hidden).sigmoid().unsqueeze(2).unsqueeze(3) // [N, out, 1, 1]
      return wide.sub(narrow).mul(share).add(narrow)
    })
  }
}
