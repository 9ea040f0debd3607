import { F, nn, scope, type Tensor } from '@septum/torch'

/**
 * GroupNorm of latent-diffusion autoencoders: 32 groups, eps 1e-6. With as many groups as channels each channel
 * is normalised alone, which takes the size of what it responds to away: narrow networks need fewer groups.
 */
export const groupNorm = (channels: number, groups = 32): nn.GroupNorm =>
  new nn.GroupNorm(Math.min(groups, channels), channels, { eps: 1e-6 })

/** SiLU of a group norm, as one operator. */
export const normSilu = (norm: nn.GroupNorm, x: Tensor): Tensor =>
  F.groupNormSilu(x, norm.groups, norm.weight!, norm.bias!, { eps: norm.eps })

/** Norm, SiLU, 3x3 convolution, twice, around a shortcut (1x1 when the width changes). */
export class ResidualBlock extends nn.Module {
  readonly norm1: nn.GroupNorm
  readonly conv1: nn.Conv2d
  readonly norm2: nn.GroupNorm
  readonly conv2: nn.Conv2d
  readonly shortcut: nn.Conv2d | null

  constructor(inChannels: number, outChannels: number, groups = 32) {
    super()
    this.norm1 = groupNorm(inChannels, groups)
    this.conv1 = new nn.Conv2d(inChannels, outChannels, 3, { padding: 1 })
    this.norm2 = groupNorm(outChannels, groups)
    this.conv2 = new nn.Conv2d(outChannels, outChannels, 3, { padding: 1 })
    this.shortcut = inChannels === outChannels ? null : new nn.Conv2d(inChannels, outChannels, 1)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    // Own scope: what the graph does not need ends here and not with the whole step.
    return scope(() => {
      const inner = this.conv1.forward(normSilu(this.norm1, x)) // [N, out, H, W]
      const residual = this.conv2.forward(normSilu(this.norm2, inner))
      return (this.shortcut ? this.shortcut.forward(x) : x).add(residual)
    })
  }
}

/** Single-head self-attention over all positions of a feature map, added to it. */
export class SpatialAttention extends nn.Module {
  readonly norm: nn.GroupNorm
  readonly q: nn.Conv2d
  readonly k: nn.Conv2d
  readonly v: nn.Conv2d
  readonly projection: nn.Conv2d

  constructor(channels: number, groups = 32) {
    super()
    this.norm = groupNorm(channels, groups)
    this.q = new nn.Conv2d(channels, channels, 1)
    this.k = new nn.Conv2d(channels, channels, 1)
    this.v = new nn.Conv2d(channels, channels, 1)
    this.projection = new nn.Conv2d(channels, channels, 1)
  }

  /** @param x [N, C, H, W] @returns [N, C, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const [n, c, h, w] = x.shape as [number, number, number, number]
      const tokens = (t: Tensor) => t.flatten(2).transpose(1, 2) // [N, HW, C]
      const normed = this.norm.forward(x)
      const mixed = F.attention(
        tokens(this.q.forward(normed)),
        tokens(this.k.forward(normed)),
        tokens(this.v.forward(normed)),
      ) // [N, HW, C]
      return x.add(this.projection.forward(mixed.transpose(1, 2).reshape([n, c, h, w])))
    })
  }
}
