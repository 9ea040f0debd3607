import { buffer, nn, type Tensor, tensor } from '@septum/torch'
import { imagenetPixels, type PixelScale } from './backbone.js'

/**
 * Images of any number of channels as the three that an ImageNet backbone was trained with: RGB as it is, grey
 * three times, others through a trained 1x1 convolution. Then mean and standard deviation.
 */
export class ImageInput extends nn.Module {
  readonly mix: nn.Conv2d | null
  readonly mean: Tensor
  readonly std: Tensor

  constructor(
    private readonly inChannels: number,
    pixels: PixelScale = imagenetPixels,
  ) {
    super()
    this.mix = inChannels === 1 || inChannels === 3 ? null : new nn.Conv2d(inChannels, 3, 1)
    const column = (values: readonly number[]) => buffer(tensor([...values], { shape: [1, 3, 1, 1] }))
    this.mean = column(pixels.mean)
    this.std = column(pixels.std)
  }

  /** @param images [N, C, H, W] in [0, 1] @returns [N, 3, H, W] channels-last */
  forward(images: Tensor): Tensor {
    const [n, c, h, w] = images.shape as [number, number, number, number]
    if (c !== this.inChannels) throw new RangeError(`${this.inChannels} image channels expected, got ${c}`)
    const three = this.mix ? this.mix.forward(images) : c === 1 ? images.expand([n, 3, h, w]) : images
    return three.sub(this.mean).div(this.std).to({ memoryFormat: 'channels_last' })
  }
}
