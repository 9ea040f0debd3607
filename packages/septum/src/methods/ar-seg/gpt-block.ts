import { F, nn, scope, type Tensor } from '@septum/torch'
import type { AttentionCache } from './attention-cache.js'

/** [N, L, C] -> [N, heads, L, C / heads] */
export function splitHeads(x: Tensor, heads: number): Tensor {
  const [n, length, width] = x.shape as [number, number, number]
  return x.view([n, length, heads, width / heads]).transpose(1, 2)
}

/** [N, heads, L, d] -> [N, L, heads d] */
export function joinHeads(x: Tensor): Tensor {
  return x.transpose(1, 2).flatten(2)
}

/** Multi-head self-attention of minGPT, with an additive mask or a cache of earlier positions. */
class SelfAttention extends nn.Module {
  readonly qkv: nn.Linear
  readonly projection: nn.Linear

  constructor(
    width: number,
    private readonly heads: number,
    private readonly dropout: number,
  ) {
    super()
    this.qkv = new nn.Linear(width, 3 * width)
    this.projection = new nn.Linear(width, width)
  }

  /** @param x [N, L, C] @param mask [L, L] or null @returns [N, L, C] */
  forward(x: Tensor, mask: Tensor | null, cache: AttentionCache | null): Tensor {
    const [q, k, v] = this.qkv
      .forward(x)
      .chunk(3, -1)
      .map((part) => splitHeads(part, this.heads)) // [N, H, L, d]
    cache?.append(k!, v!)
    const mixed = F.attention(q!, cache ? cache.keys() : k!, cache ? cache.values() : v!, {
      mask,
      dropout: (weights) => F.dropout(weights, this.dropout, this.training),
    })
    return this.projection.forward(joinHeads(mixed))
  }
}

/** Pre-norm transformer block of the release: attention and a 4x MLP with exact GELU (section 4.1). */
export class GptBlock extends nn.Module {
  readonly norm1: nn.LayerNorm
  readonly attention: SelfAttention
  readonly norm2: nn.LayerNorm
  readonly mlp: nn.Sequential

  constructor(
    width: number,
    heads: number,
    private readonly dropout: number,
  ) {
    super()
    this.norm1 = new nn.LayerNorm([width])
    this.attention = new SelfAttention(width, heads, dropout)
    this.norm2 = new nn.LayerNorm([width])
    this.mlp = new nn.Sequential(
      new nn.Linear(width, 4 * width),
      new nn.GELU(),
      new nn.Linear(4 * width, width),
    )
  }

  /** @param x [N, L, C] @returns [N, L, C] */
  forward(x: Tensor, _condition: Tensor, mask: Tensor | null, cache: AttentionCache | null): Tensor {
    const drop = (t: Tensor) => F.dropout(t, this.dropout, this.training)
    return scope(() => {
      const attended = x.add(drop(this.attention.forward(this.norm1.forward(x), mask, cache)))
      return attended.add(drop(this.mlp.forward(this.norm2.forward(attended))))
    })
  }
}
