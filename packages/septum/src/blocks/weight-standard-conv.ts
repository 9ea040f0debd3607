import { F, nn, scope, type Tensor } from '@septum/torch'

/** A convolution without bias whose weights are brought to mean 0 and variance 1 for each output channel. */
export class WeightStandardConv2d extends nn.Conv2d {
  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number,
    { stride = 1 }: { readonly stride?: number } = {},
  ) {
    super(inChannels, outChannels, kernel, { stride, padding: (kernel - 1) / 2, bias: false })
  }

  /** @param x [N, in, H, W] @returns [N, out, H / stride, W / stride] */
  override forward(x: Tensor): Tensor {
    return scope(() => {
      const { weight } = this
      const mean = weight.mean([1, 2, 3], true)
      const deviation = weight.variance([1, 2, 3], { unbiased: false, keepdim: true }).add(1e-5).sqrt()
      return F.conv2d(x, weight.sub(mean).div(deviation), null, this.options)
    })
  }
}
