import type { Tensor } from '../tensor.js'

export interface AttentionOptions {
  /**
   * Broadcasts to [..., queries, keys]. Of dtype bool: true where a query may look. Otherwise added to the
   * products: 0 where a query may look, -Infinity elsewhere. A query that may look nowhere gets NaN.
   */
  readonly mask?: Tensor | null
  /** Factor of the products; 1 / sqrt(head width) by default. */
  readonly scale?: number
  /** Applied to the attention weights. */
  readonly dropout?: (weights: Tensor) => Tensor
}

/** softmax(scale q kᵀ + mask) v. @param q [..., L, d] @param k [..., S, d] @param v [..., S, e] @returns [..., L, e] */
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const { mask = null, scale = 1 / Math.sqrt(q.size(-1)), dropout } = options
  // Scaling the queries touches L d numbers, scaling the products L S.
  let scores = q.mul(scale).matmul(k.transpose(-2, -1))
  if (mask)
    scores = mask.dtype === 'bool' ? scores.maskedFill(mask.logicalNot(), -Infinity) : scores.add(mask)
  const weights = scores.softmax(-1)
  return (dropout ? dropout(weights) : weights).matmul(v)
}
