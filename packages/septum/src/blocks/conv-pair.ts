import { nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU } from './backbones/index.js'

/** Two 3x3 convolutions with bias, each with batch norm and ReLU: a level of U-Nets as they are trained today. */
export class ConvPair extends nn.Module {
  readonly first: ConvNormReLU
  readonly second: ConvNormReLU

  constructor(inChannels: number, outChannels: number) {
    super()
    this.first = new ConvNormReLU(inChannels, outChannels)
    this.second = new ConvNormReLU(outChannels, outChannels)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => this.second.forward(this.first.forward(x)))
  }
}
