import { nn, scope, type Tensor } from '@septum/torch'
import { convNorm } from './backbones/index.js'
import { resizeMaps, sizeOf } from './resize.js'

/** A 1x1 convolution with bias and batch norm. */
class PointNorm extends nn.Module {
  readonly conv: nn.Conv2d
  readonly norm: nn.BatchNorm2d

  constructor(inChannels: number, outChannels: number) {
    super()
    this.conv = new nn.Conv2d(inChannels, outChannels, 1)
    this.norm = new nn.BatchNorm2d(outChannels)
  }

  forward(x: Tensor): Tensor {
    return convNorm(this.conv, this.norm, x)
  }
}

/**
 * Attention gate on maps of equal size, the form that two-dimensional code uses:
 * x sigmoid(psi(relu(W_x x + W_g g))), each W and psi a 1x1 convolution with batch norm.
 */
export class AttentionGate extends nn.Module {
  readonly skip: PointNorm
  readonly gating: PointNorm
  readonly psi: PointNorm

  /** @param inner channels in which skip and gating signal meet */
  constructor(skipChannels: number, gatingChannels: number, inner: number) {
    super()
    this.skip = new PointNorm(skipChannels, inner)
    this.gating = new PointNorm(gatingChannels, inner)
    this.psi = new PointNorm(inner, 1)
  }

  /** @param x, g [N, C, H, W] @returns one coefficient a pixel, [N, 1, H, W] in (0, 1) */
  coefficients(x: Tensor, g: Tensor): Tensor {
    return this.psi.forward(this.skip.forward(x).add(this.gating.forward(g)).relu()).sigmoid()
  }

  /** @param x skip [N, skip, H, W] @param g gating signal [N, gating, H, W] @returns the gated skip, as `x` */
  forward(x: Tensor, g: Tensor): Tensor {
    return scope(() => x.mul(this.coefficients(x, g)))
  }
}

/**
 * Grid attention (Oktay et al. 2018, eq. 2): skip and the coarser gating signal meet at half the skip's size; the
 * coefficients go back to its size. A 1x1 convolution with batch norm follows.
 */
export class GridAttentionGate extends nn.Module {
  readonly skip: nn.Conv2d
  readonly gating: nn.Conv2d
  readonly psi: nn.Conv2d
  readonly out: PointNorm

  constructor(skipChannels: number, gatingChannels: number, inner: number) {
    super()
    this.skip = new nn.Conv2d(skipChannels, inner, 2, { stride: 2, bias: false })
    this.gating = new nn.Conv2d(gatingChannels, inner, 1)
    this.psi = new nn.Conv2d(inner, 1, 1)
    this.out = new PointNorm(skipChannels, skipChannels)
    for (const conv of [this.skip, this.gating, this.psi]) {
      nn.init.kaimingNormal_(conv.weight)
      if (conv.bias) nn.init.zeros_(conv.bias)
    }
  }

  /** @returns one coefficient a pixel of x, [N, 1, H, W] in (0, 1) */
  coefficients(x: Tensor, g: Tensor): Tensor {
    const theta = this.skip.forward(x) // [N, inner, H / 2, W / 2]
    const phi = resizeMaps(this.gating.forward(g), sizeOf(theta))
    return resizeMaps(this.psi.forward(theta.add(phi).relu()).sigmoid(), sizeOf(x))
  }

  /** @param x skip [N, skip, H, W], H and W at least 2 @param g gating signal [N, gating, h, w] @returns as `x` */
  forward(x: Tensor, g: Tensor): Tensor {
    return scope(() => this.out.forward(x.mul(this.coefficients(x, g))))
  }
}
