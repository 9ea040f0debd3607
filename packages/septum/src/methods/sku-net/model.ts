import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import type { MaskNetwork } from '../mask-network.js'
import type { SkuNetOptions } from './options.js'
import { SelectiveLayer } from './selective-layer.js'

class SelectivePair extends nn.Module {
  readonly first: SelectiveLayer
  readonly second: SelectiveLayer

  constructor(inChannels: number, outChannels: number, compression: number) {
    super()
    this.first = new SelectiveLayer(inChannels, outChannels, compression)
    this.second = new SelectiveLayer(outChannels, outChannels, compression)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return this.second.forward(this.first.forward(x))
  }
}

/** One coefficient a pixel from skip and decoder, each seen through one channel. */
class SkipGate extends nn.Module {
  readonly decoder: nn.Conv2d
  readonly skip: nn.Conv2d
  readonly psi: nn.Conv2d

  constructor(channels: number) {
    super()
    this.decoder = new nn.Conv2d(channels, 1, 1)
    this.skip = new nn.Conv2d(channels, 1, 1)
    this.psi = new nn.Conv2d(1, 1, 1)
  }

  /** @param up, skip [N, C, H, W] @returns the gated skip */
  forward(up: Tensor, skip: Tensor): Tensor {
    const met = this.decoder.forward(up).add(this.skip.forward(skip)).relu()
    return skip.mul(this.psi.forward(met).sigmoid())
  }
}

class UpStep extends nn.Module {
  readonly up: nn.ConvTranspose2d
  readonly gate: SkipGate | null
  readonly pair: SelectivePair

  constructor(below: number, channels: number, { compression, gates }: NetworkOptions) {
    super()
    this.up = new nn.ConvTranspose2d(below, channels, 2, { stride: 2 })
    this.gate = gates ? new SkipGate(channels) : null
    this.pair = new SelectivePair(2 * channels, channels, compression)
  }

  /** @param x [N, below, H / 2, W / 2] @param skip [N, C, H, W] @returns [N, C, H, W] */
  forward(x: Tensor, skip: Tensor): Tensor {
    return scope(() => {
      const up = this.up.forward(x)
      return this.pair.forward(cat([up, this.gate ? this.gate.forward(up, skip) : skip], 1))
    })
  }
}

type NetworkOptions = Pick<SkuNetOptions, 'widths' | 'compression' | 'gates'>

/** SK-U-Net (Byra et al. 2020): a small U-Net of selective layers. */
export class SkuNetNetwork extends nn.Module implements MaskNetwork {
  readonly multiple: number
  readonly down: SelectivePair[]
  /** `up[i]` leads to level i. */
  readonly up: UpStep[]
  readonly head: nn.Conv2d

  constructor(inChannels: number, maps: number, options: NetworkOptions) {
    super()
    const { widths, compression } = options
    this.multiple = 2 ** (widths.length - 1)
    this.down = widths.map((width, i) => new SelectivePair(widths[i - 1] ?? inChannels, width, compression))
    this.up = widths.slice(0, -1).map((width, i) => new UpStep(widths[i + 1]!, width, options))
    this.head = new nn.Conv2d(widths[0]!, maps, 1)
  }

  /** @param images [N, C, H, W], sides multiples of {@link multiple} @returns one map of logits [N, maps, H, W] */
  forward(images: Tensor): readonly Tensor[] {
    const skips: Tensor[] = []
    for (const level of this.down) {
      const above = skips.at(-1)
      skips.push(level.forward(above ? F.maxPool2d(above, 2) : images.to({ memoryFormat: 'channels_last' }))) // [N, widths[i], H / 2^i, W / 2^i]
    }
    const features = this.up.reduceRight((below, step, i) => step.forward(below, skips[i]!), skips.at(-1)!)
    return [this.head.forward(features)]
  }
}
