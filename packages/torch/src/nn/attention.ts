import { empty, where, zeros } from '../create.js'
import { dropout } from '../functional/activation.js'
import { attention } from '../functional/attention.js'
import { linear } from '../functional/convolution.js'
import type { Tensor } from '../ops/index.js'
import { constant_, xavierUniform_ } from './init.js'
import { Linear } from './linear.js'
import { Module, parameter } from './module.js'

export interface MultiheadAttentionOptions {
  readonly bias?: boolean
  /** Probability of dropping an attention weight while training. */
  readonly dropout?: number
}

/**
 * Attention of several heads (Vaswani et al. 2017), batch first. Parameters are named and laid out as in
 * PyTorch: in_proj_weight [3 width, width], in_proj_bias [3 width], out_proj.
 */
export class MultiheadAttention extends Module {
  in_proj_weight: Tensor
  in_proj_bias: Tensor | null
  out_proj: Linear
  readonly dropout: number

  constructor(
    readonly width: number,
    readonly heads: number,
    { bias = true, dropout = 0 }: MultiheadAttentionOptions = {},
  ) {
    super()
    if (width % heads !== 0) throw new RangeError(`a width of ${width} does not divide into ${heads} heads`)
    this.dropout = dropout
    this.out_proj = new Linear(width, width, { bias })
    if (this.out_proj.bias) constant_(this.out_proj.bias, 0)
    this.in_proj_weight = parameter(xavierUniform_(empty([3 * width, width])))
    this.in_proj_bias = bias ? parameter(zeros([3 * width])) : null
  }

  /**
   * @param q [N, L, width]; k, v [N, S, width], by default q itself.
   * @param mask broadcasts to [N, heads, L, S]. A float mask is added to the scores. A bool mask is true where
   * a query MAY look at a key, as in PyTorch's scaled_dot_product_attention (its nn.MultiheadAttention takes
   * the opposite); a query that may look nowhere gives NaN.
   * @returns [N, L, width]
   */
  forward(
    q: Tensor,
    k: Tensor = q,
    v: Tensor = k,
    { mask = null }: { readonly mask?: Tensor | null } = {},
  ): Tensor {
    const [query, key, value] = this.#project(q, k, v) // 3 x [N, heads, L or S, width / heads]
    const additive = mask?.dtype === 'bool' ? where(mask, 0, -Infinity).to({ dtype: query.dtype }) : mask
    const drop = this.training && this.dropout > 0 ? (w: Tensor) => dropout(w, this.dropout) : undefined
    const heads = attention(query, key, value, { mask: additive, dropout: drop }) // [N, heads, L, width / heads]
    return this.out_proj.forward(heads.transpose(1, 2).flatten(2)) // [N, L, width]
  }

  #project(q: Tensor, k: Tensor, v: Tensor): [Tensor, Tensor, Tensor] {
    const split = (x: Tensor) => x.unflatten(-1, [this.heads, -1]).transpose(1, 2)
    if (q === k && k === v) {
      const [a, b, c] = linear(q, this.in_proj_weight, this.in_proj_bias).chunk(3, -1)
      return [split(a!), split(b!), split(c!)]
    }
    const weights = this.in_proj_weight.chunk(3)
    const biases = this.in_proj_bias?.chunk(3)
    const part = (x: Tensor, i: number) => split(linear(x, weights[i]!, biases?.[i] ?? null))
    return [part(q, 0), part(k, 1), part(v, 2)]
  }
}
