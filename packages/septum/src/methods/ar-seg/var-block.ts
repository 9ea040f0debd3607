import { cat, F, full, nn, parameter, rand, scope, type Tensor, zeros } from '@septum/torch'
import type { AttentionCache } from './attention-cache.js'
import { joinHeads, splitHeads } from './gpt-block.js'

/** SiLU and a linear map of the condition to shifts and scales: adaptive layer norm. */
export class Modulation extends nn.Module {
  readonly linear: nn.Linear

  constructor(
    width: number,
    private readonly parts: number,
  ) {
    super()
    this.linear = new nn.Linear(width, parts * width)
  }

  /** @param condition [N, C] @returns `parts` tensors [N, 1, C] */
  forward(condition: Tensor): Tensor[] {
    return this.linear.forward(F.silu(condition)).unsqueeze(1).chunk(this.parts, -1)
  }
}

const MAX_LOG_SCALE = Math.log(100)

/** Attention with unit-length queries and keys and a learned temperature per head (section 9.2). */
class CosineAttention extends nn.Module {
  readonly mat_qkv: nn.Linear
  readonly q_bias: Tensor
  readonly v_bias: Tensor
  readonly scale_mul: Tensor
  readonly projection: nn.Linear

  constructor(
    private readonly width: number,
    private readonly heads: number,
  ) {
    super()
    this.mat_qkv = new nn.Linear(width, 3 * width, { bias: false })
    this.q_bias = parameter(zeros([width]))
    this.v_bias = parameter(zeros([width]))
    this.scale_mul = parameter(full([1, heads, 1, 1], Math.log(4)))
    this.projection = new nn.Linear(width, width)
  }

  /** @param x [N, L, C] @returns [N, L, C] */
  forward(x: Tensor, mask: Tensor | null, cache: AttentionCache | null): Tensor {
    // A key bias adds the same to all products of a query and is left at 0.
    const bias = cat([this.q_bias, zeros([this.width], { device: x.device }), this.v_bias])
    const [q, k, v] = F.linear(x, this.mat_qkv.weight, bias)
      .chunk(3, -1)
      .map((part) => splitHeads(part, this.heads))
    const unit = (t: Tensor) => F.normalize(t, { dim: -1 })
    const queries = unit(q!).mul(this.scale_mul.clamp(null, MAX_LOG_SCALE).exp()) // [N, H, L, d]
    const keys = unit(k!)
    cache?.append(keys, v!)
    const mixed = F.attention(queries, cache ? cache.keys() : keys, cache ? cache.values() : v!, {
      mask,
      scale: 1,
    })
    return this.projection.forward(joinHeads(mixed))
  }
}

/** VAR's block: adaptive layer norm from the condition, cosine attention, GELU (tanh) MLP. */
export class VarBlock extends nn.Module {
  readonly modulation: Modulation
  readonly attention: CosineAttention
  readonly mlp: nn.Sequential

  /** @param dropPath probability of skipping a branch for a whole sample in training. */
  constructor(
    private readonly width: number,
    heads: number,
    private readonly dropPath: number,
  ) {
    super()
    this.modulation = new Modulation(width, 6)
    this.attention = new CosineAttention(width, heads)
    this.mlp = new nn.Sequential(
      new nn.Linear(width, 4 * width),
      new nn.GELU('tanh'),
      new nn.Linear(4 * width, width),
    )
  }

  /** @param x [N, L, C] @param condition [N, C] @returns [N, L, C] */
  forward(x: Tensor, condition: Tensor, mask: Tensor | null, cache: AttentionCache | null): Tensor {
    return scope(() => {
      const [gate1, gate2, scale1, scale2, shift1, shift2] = this.modulation.forward(condition) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ]
      const norm = (t: Tensor, scale: Tensor, shift: Tensor) =>
        shift.add(F.layerNorm(t, [this.width], null, null, 1e-6).mul(scale.add(1)))
      const attended = x.add(
        this.#drop(this.attention.forward(norm(x, scale1, shift1), mask, cache).mul(gate1)),
      )
      return attended.add(this.#drop(this.mlp.forward(norm(attended, scale2, shift2)).mul(gate2)))
    })
  }

  #drop(branch: Tensor): Tensor {
    if (!this.training || this.dropPath === 0) return branch
    const keeps = rand([branch.size(0), 1, 1], { device: branch.device })
      .ge(this.dropPath)
      .float()
    return branch.mul(keeps.div(1 - this.dropPath))
  }
}
