import { aten as op, operator } from '../call.js'
import type { Tensor } from '../tensor.js'

const matmul = operator('aten::matmul')
/** Products and factorisations. */
export const linear = {
  /** Matrix product over the last two axes; the others broadcast. */
  matmul(this: Tensor, other: Tensor): Tensor {
    return matmul.one(this, other)
  },
  bmm(this: Tensor, other: Tensor): Tensor {
    return op('bmm').one(this, other)
  },
  /** beta this + alpha a b */
  addmm(this: Tensor, a: Tensor, b: Tensor, { beta = 1, alpha = 1 } = {}): Tensor {
    return op('addmm').one(this, a, b, beta, alpha)
  },
  /** Batched: beta this + alpha a b, [B, n, k] x [B, k, m]. */
  baddbmm(this: Tensor, a: Tensor, b: Tensor, { beta = 1, alpha = 1 } = {}): Tensor {
    return op('baddbmm').one(this, a, b, beta, alpha)
  },
  dot(this: Tensor, other: Tensor): Tensor {
    return op('dot').one(this, other)
  },
  outer(this: Tensor, other: Tensor): Tensor {
    return op('outer').one(this, other)
  },
  /** Thin singular value decomposition U, S, Vh of the last two axes. */
  svd(this: Tensor): [Tensor, Tensor, Tensor] {
    return op('linalg_svd').all(this, false) as [Tensor, Tensor, Tensor]
  },
}

export type Linear = typeof linear
