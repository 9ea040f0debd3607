import { aten as op } from '../call.js'
import type { Tensor } from '../tensor.js'

const compare = (name: string) =>
  function (this: Tensor, other: Tensor | number): Tensor {
    return op(typeof other === 'number' ? `${name}.Scalar` : `${name}.Tensor`).one(this, other)
  }

const unary = (name: string) =>
  function (this: Tensor): Tensor {
    return op(name).one(this)
  }

/** Comparisons and logic; results are bool tensors. */
export const comparison = {
  eq: compare('eq'),
  ne: compare('ne'),
  lt: compare('lt'),
  le: compare('le'),
  gt: compare('gt'),
  ge: compare('ge'),
  logicalNot: unary('logical_not'),
  isnan: unary('isnan'),
  isfinite: unary('isfinite'),
  logicalAnd(this: Tensor, other: Tensor): Tensor {
    return op('logical_and').one(this, other)
  },
  logicalOr(this: Tensor, other: Tensor): Tensor {
    return op('logical_or').one(this, other)
  },
  bitwiseAnd(this: Tensor, other: Tensor | number): Tensor {
    return op(typeof other === 'number' ? 'bitwise_and.Scalar' : 'bitwise_and.Tensor').one(this, other)
  },
  bitwiseRightShift(this: Tensor, other: Tensor | number): Tensor {
    return op(
      typeof other === 'number' ? 'bitwise_right_shift.Tensor_Scalar' : 'bitwise_right_shift.Tensor',
    ).one(this, other)
  },
  /** Same shape and dtype, and every element equal. */
  equal(this: Tensor, other: Tensor): boolean {
    return op('equal').all(this, other)[0] === true
  },
  /** Every element within atol + rtol |other|. */
  allclose(this: Tensor, other: Tensor, rtol: number = 1e-5, atol: number = 1e-8): boolean {
    return op('allclose').all(this, other, rtol, atol)[0] === true
  },
}

export type Comparison = typeof comparison
