import { cat, F, nn, parameter, scope, type Tensor, zeros } from '@septum/torch'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'

/** Attention from the mean and the maximum of the channels. */
class SpatialAttention extends nn.Module {
  readonly conv = new nn.Conv2d(2, 1, 3, { padding: 1, bias: false })

  /** @param x [N, C, H, W] @returns [N, 1, H, W] in [0, 1] */
  forward(x: Tensor): Tensor {
    return this.conv.forward(cat([x.mean(1, true), x.amax(1, true)], 1)).sigmoid()
  }
}

/** Context of all positions, multiplied with the features and added to them by a trained share that starts at 0. */
class GlobalContext extends nn.Module {
  readonly conv_q: nn.Conv2d
  readonly conv_k: nn.Conv2d
  readonly conv_v: nn.Conv2d
  readonly delta: Tensor

  constructor(channels: number) {
    super()
    const inner = Math.max(1, Math.floor(channels / 8))
    this.conv_q = new nn.Conv2d(channels, inner, 1)
    this.conv_k = new nn.Conv2d(channels, inner, 1)
    this.conv_v = new nn.Conv2d(channels, channels, 1)
    this.delta = parameter(zeros([1]))
  }

  /** @param x [N, C, H, W] @returns the same shape */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const q = this.conv_q.forward(x).flatten(2).transpose(1, 2) // [N, P, C / 8]
      const k = this.conv_k.forward(x).flatten(2) // [N, C / 8, P]
      const affinity = q.matmul(k).softmax(-1) // [N, P, P]
      // As released: values are weighted along the axis that the softmax leaves open.
      const context = this.conv_v.forward(x).flatten(2).matmul(affinity).reshape(x.shape)
      return context.mul(x).mul(this.delta).add(x)
    })
  }
}

/** Dilated convolutions of several rates and the global mean, joined; no norms, no activations. */
class AtrousPyramid extends nn.Module {
  readonly conv: nn.Conv2d
  readonly atrous_block1: nn.Conv2d
  readonly atrous_block6: nn.Conv2d
  readonly atrous_block12: nn.Conv2d
  readonly atrous_block18: nn.Conv2d
  readonly conv_1x1_output: nn.Conv2d

  constructor(inChannels: number, outChannels: number) {
    super()
    const dilated = (rate: number) =>
      new nn.Conv2d(inChannels, outChannels, 3, { padding: rate, dilation: rate })
    this.conv = new nn.Conv2d(inChannels, outChannels, 1)
    this.atrous_block1 = new nn.Conv2d(inChannels, outChannels, 1)
    this.atrous_block6 = dilated(6)
    this.atrous_block12 = dilated(12)
    this.atrous_block18 = dilated(18)
    this.conv_1x1_output = new nn.Conv2d(5 * outChannels, outChannels, 1)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const mean = resizeMaps(this.conv.forward(F.adaptiveAvgPool2d(x, 1)), sizeOf(x))
      const views = [this.atrous_block1, this.atrous_block6, this.atrous_block12, this.atrous_block18]
      return this.conv_1x1_output.forward(cat([mean, ...views.map((view) => view.forward(x))], 1))
    })
  }
}

/** Attention-guided global context (BCS-Net, section III-C): the boundary and the place decide what is looked at. */
export class AttentionGuidedContext extends nn.Module {
  readonly gcm: GlobalContext
  readonly sau: SpatialAttention
  readonly aspp: AtrousPyramid | null

  /** @param pyramid whether an atrous pyramid of half as many channels follows */
  constructor(channels: number, pyramid: boolean) {
    super()
    this.gcm = new GlobalContext(channels)
    this.sau = new SpatialAttention()
    this.aspp = pyramid ? new AtrousPyramid(channels, Math.floor(channels / 2)) : null
  }

  /** @param x [N, C, H, W] @param boundary [N, 1, H, W] in [0, 1] @returns [N, C or C / 2, H, W] */
  forward(x: Tensor, boundary: Tensor): Tensor {
    return scope(() => {
      const attention = this.sau.forward(x).add(boundary)
      const context = this.gcm.forward(x.mul(attention).add(x))
      return this.aspp ? this.aspp.forward(context) : context
    })
  }
}
