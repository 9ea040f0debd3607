import { F, nn, scope, type Tensor } from '@septum/torch'
import { RelativePositionBias } from './relative-position-bias.js'
import { resizeMaps } from './resize.js'

export interface EfficientAttentionOptions {
  readonly heads: number
  /** Keys and values are resized to this side, so that cost grows with the map and not with its square. */
  readonly reducedSide: number
  /** Of attention weights and of the result. */
  readonly dropout: number
}

/** A depthwise 3x3 convolution, then a 1x1 one; no bias. */
export class SeparableConv extends nn.Module {
  readonly depthwise: nn.Conv2d
  readonly pointwise: nn.Conv2d

  constructor(inChannels: number, outChannels: number) {
    super()
    this.depthwise = new nn.Conv2d(inChannels, inChannels, 3, { padding: 1, groups: inChannels, bias: false })
    this.pointwise = new nn.Conv2d(inChannels, outChannels, 1, { bias: false })
  }

  forward(x: Tensor): Tensor {
    return this.pointwise.forward(this.depthwise.forward(x))
  }
}

/**
 * Attention of a map over another one made small (UTNet, Gao et al. 2021, section 2.1), with relative positions.
 * Channels are laid out [width of a head, heads].
 */
class ReducedAttention extends nn.Module {
  readonly position: RelativePositionBias
  readonly out: SeparableConv

  constructor(
    channels: number,
    protected readonly options: EfficientAttentionOptions,
  ) {
    super()
    const { heads, reducedSide } = options
    if (channels % heads !== 0) throw new RangeError(`${channels} channels do not divide into ${heads} heads`)
    this.position = new RelativePositionBias(heads, reducedSide)
    this.out = new SeparableConv(channels, channels)
  }

  /** @param q [N, C, H, W] @param k, v [N, C, h, w] @returns [N, C, H, W] */
  protected attend(q: Tensor, k: Tensor, v: Tensor): Tensor {
    const { heads, reducedSide, dropout } = this.options
    const size = q.shape.slice(2) as [number, number]
    const drop = (t: Tensor) => F.dropout(t, dropout, this.training)
    const tokens = (t: Tensor) => t.flatten(2).unflatten(1, [-1, heads]).permute([0, 2, 3, 1]) // [N, heads, P, d]
    const small = (t: Tensor) => tokens(resizeMaps(t, [reducedSide, reducedSide], true))
    const queries = tokens(q)
    const scale = 1 / Math.sqrt(queries.size(3))
    // The released code adds the bias before it scales.
    const mask = this.position.forward(size).mul(scale) // [heads, H W, side²]
    const mixed = F.attention(queries, small(k), small(v), { mask, scale, dropout: drop })
    const map = mixed.permute([0, 3, 1, 2]).flatten(1, 2).unflatten(2, size) // [N, C, H, W]
    return drop(this.out.forward(map.contiguous('channels_last')))
  }
}

/** Attention of a map over itself. */
export class EfficientSelfAttention extends ReducedAttention {
  readonly qkv: SeparableConv

  constructor(channels: number, options: EfficientAttentionOptions) {
    super(channels, options)
    this.qkv = new SeparableConv(channels, 3 * channels)
  }

  /** @param x [N, C, H, W] @returns the same shape */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const [q, k, v] = this.qkv.forward(x).chunk(3, 1) as [Tensor, Tensor, Tensor]
      return this.attend(q, k, v)
    })
  }
}

/** Attention of a fine map over a coarse one. */
export class EfficientCrossAttention extends ReducedAttention {
  readonly q: SeparableConv
  readonly kv: SeparableConv

  /** @param channels of the fine map and of the result @param coarse channels of the coarse map */
  constructor(channels: number, coarse: number, options: EfficientAttentionOptions) {
    super(channels, options)
    this.q = new SeparableConv(channels, channels)
    this.kv = new SeparableConv(coarse, 2 * channels)
  }

  /** @param fine [N, C, H, W] @param coarse [N, coarse, h, w] @returns [N, C, H, W] */
  forward(fine: Tensor, coarse: Tensor): Tensor {
    return scope(() => {
      const [k, v] = this.kv.forward(coarse).chunk(2, 1) as [Tensor, Tensor]
      return this.attend(this.q.forward(fine), k, v)
    })
  }
}
