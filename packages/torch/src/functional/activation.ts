import { aten as op } from '../call.js'
import type { Tensor } from '../tensor.js'

export const relu = (x: Tensor): Tensor => op('relu').one(x)
export const relu6 = (x: Tensor): Tensor => op('hardtanh').one(x, 0, 6)
export const leakyRelu = (x: Tensor, negativeSlope = 0.01): Tensor => op('leaky_relu').one(x, negativeSlope)
/** @param weight [1] or [channels] */
export const prelu = (x: Tensor, weight: Tensor): Tensor => op('prelu').one(x, weight)
export const elu = (x: Tensor, alpha = 1): Tensor => op('elu').one(x, alpha)
/** x Φ(x), exactly or by its tanh approximation. */
export const gelu = (x: Tensor, approximate: 'none' | 'tanh' = 'none'): Tensor =>
  op('gelu').one(x, approximate)
export const silu = (x: Tensor): Tensor => op('silu').one(x)
export const hardswish = (x: Tensor): Tensor => op('hardswish').one(x)
export const hardsigmoid = (x: Tensor): Tensor => op('hardsigmoid').one(x)
export const softplus = (x: Tensor, beta = 1, threshold = 20): Tensor =>
  op('softplus').one(x, beta, threshold)
export const mish = (x: Tensor): Tensor => op('mish').one(x)
export const logSigmoid = (x: Tensor): Tensor => op('log_sigmoid').one(x)
export const glu = (x: Tensor, dim = -1): Tensor => op('glu').one(x, dim)

/** Zeroes elements with probability p and scales the rest by 1 / (1 - p); the identity outside training. */
export const dropout = (x: Tensor, p = 0.5, training = true): Tensor =>
  training && p > 0 ? op('dropout').one(x, p, true) : x

/** As dropout, for whole channels [N, C, ...]. */
export const featureDropout = (x: Tensor, p = 0.5, training = true): Tensor =>
  training && p > 0 ? op('feature_dropout').one(x, p, true) : x
