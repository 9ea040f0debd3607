import { type Argument, aten as op } from '../call.js'
import type { Tensor } from '../tensor.js'

const addTensor = op('add.Tensor')
const addInPlace = op('add_.Tensor')
const subTensor = op('sub.Tensor')
const subInPlace = op('sub_.Tensor')
const mulTensor = op('mul.Tensor')
const mulInPlace = op('mul_.Tensor')
const divTensor = op('div.Tensor')
const divInPlace = op('div_.Tensor')
const divMode = op('div.Tensor_mode')
const powTensor = op('pow.Tensor_Tensor')
const powScalar = op('pow.Tensor_Scalar')
const clamp = op('clamp')
const clampInPlace = op('clamp_')

const unary = (name: string) => {
  const found = op(name)
  return function (this: Tensor): Tensor {
    return found.one(this)
  }
}

type Operand = Tensor | number

/** Element by element; operands broadcast. */
export const arithmetic = {
  /** this + alpha other */
  add(this: Tensor, other: Operand, alpha: number = 1): Tensor {
    return alpha === 1 ? addTensor.one(this, other) : addTensor.one(this, other, alpha)
  },
  add_(this: Tensor, other: Operand, alpha: number = 1): Tensor {
    return addInPlace.one(this, other, alpha)
  },
  /** this - alpha other */
  sub(this: Tensor, other: Operand, alpha: number = 1): Tensor {
    return subTensor.one(this, other, alpha)
  },
  sub_(this: Tensor, other: Operand, alpha: number = 1): Tensor {
    return subInPlace.one(this, other, alpha)
  },
  mul(this: Tensor, other: Operand): Tensor {
    return mulTensor.one(this, other)
  },
  mul_(this: Tensor, other: Operand): Tensor {
    return mulInPlace.one(this, other)
  },
  /** True division, or rounded to an integer as `roundingMode` says. */
  div(this: Tensor, other: Operand, roundingMode: 'floor' | 'trunc' | null = null): Tensor {
    return roundingMode === null ? divTensor.one(this, other) : divMode.one(this, other, roundingMode)
  },
  div_(this: Tensor, other: Operand): Tensor {
    return divInPlace.one(this, other)
  },
  /** Remainder with the sign of the divisor. */
  remainder(this: Tensor, other: Operand): Tensor {
    return op('remainder.Tensor').one(this, other)
  },
  pow(this: Tensor, exponent: Operand): Tensor {
    return typeof exponent === 'number' ? powScalar.one(this, exponent) : powTensor.one(this, exponent)
  },
  /** Limits values to [min, max]; null leaves a side open. */
  clamp(this: Tensor, min: number | null, max: number | null = null): Tensor {
    return clamp.one(this, min, max)
  },
  clamp_(this: Tensor, min: number | null, max: number | null = null): Tensor {
    return clampInPlace.one(this, min, max)
  },
  maximum(this: Tensor, other: Operand): Tensor {
    return op('maximum').one(this, other)
  },
  minimum(this: Tensor, other: Operand): Tensor {
    return op('minimum').one(this, other)
  },
  /** this + weight (end - this) */
  lerp(this: Tensor, end: Tensor, weight: Operand): Tensor {
    return op(typeof weight === 'number' ? 'lerp.Scalar' : 'lerp.Tensor').one(this, end, weight)
  },
  lerp_(this: Tensor, end: Tensor, weight: Operand): Tensor {
    return op(typeof weight === 'number' ? 'lerp_.Scalar' : 'lerp_.Tensor').one(this, end, weight)
  },
  /** this + value a b */
  addcmul(this: Tensor, a: Tensor, b: Tensor, value: number = 1): Tensor {
    return op('addcmul').one(this, a, b, value)
  },
  addcmul_(this: Tensor, a: Tensor, b: Tensor, value: number = 1): Tensor {
    return op('addcmul_').one(this, a, b, value)
  },
  /** this + value a / b */
  addcdiv_(this: Tensor, a: Tensor, b: Tensor, value: number = 1): Tensor {
    return op('addcdiv_').one(this, a, b, value)
  },
  neg: unary('neg'),
  abs: unary('abs'),
  sign: unary('sign'),
  exp: unary('exp'),
  expm1: unary('expm1'),
  log: unary('log'),
  log1p: unary('log1p'),
  log2: unary('log2'),
  sqrt: unary('sqrt'),
  rsqrt: unary('rsqrt'),
  square: unary('square'),
  reciprocal: unary('reciprocal'),
  sin: unary('sin'),
  cos: unary('cos'),
  tan: unary('tan'),
  atan: unary('atan'),
  erf: unary('erf'),
  floor: unary('floor'),
  ceil: unary('ceil'),
  round: unary('round'),
  sigmoid: unary('sigmoid'),
  tanh: unary('tanh'),
  relu: unary('relu'),
  relu_: unary('relu_'),
  sqrt_: unary('sqrt_'),
  sigmoid_: unary('sigmoid_'),
  zero_: unary('zero_'),
  fill_(this: Tensor, value: Operand): Tensor {
    return op(typeof value === 'number' ? 'fill_.Scalar' : 'fill_.Tensor').one(this, value)
  },
  /** Copies the elements of `source`, broadcast and converted. */
  copy_(this: Tensor, source: Tensor): Tensor {
    return op('copy_').one(this, source)
  },
  /** Sets elements where `mask` (bool) holds. */
  maskedFill(this: Tensor, mask: Tensor, value: Operand): Tensor {
    return op(typeof value === 'number' ? 'masked_fill.Scalar' : 'masked_fill.Tensor').one(this, mask, value)
  },
  maskedFill_(this: Tensor, mask: Tensor, value: Operand): Tensor {
    return op(typeof value === 'number' ? 'masked_fill_.Scalar' : 'masked_fill_.Tensor').one(
      this,
      mask,
      value,
    )
  },
  /** Fills with uniform random numbers of the default generator. */
  uniform_(this: Tensor, from: number = 0, to: number = 1): Tensor {
    return op('uniform_').one(this, from, to)
  },
  normal_(this: Tensor, mean: number = 0, std: number = 1): Tensor {
    return op('normal_').one(this, mean, std)
  },
  bernoulli_(this: Tensor, probability: number): Tensor {
    return op('bernoulli_.float').one(this, probability)
  },
}

export type Arithmetic = typeof arithmetic
export type { Argument }
