import { aten as op } from '../call.js'
import type { DType, Tensor } from '../tensor.js'

type Dims = number | readonly number[]
const list = (dims: Dims): readonly number[] => (typeof dims === 'number' ? [dims] : dims)
const two = (results: unknown[]): [Tensor, Tensor] => results as [Tensor, Tensor]

/** Reductions over the axes `dims`; without them over all elements. */
export const reduction = {
  sum(this: Tensor, dims?: Dims, keepdim: boolean = false): Tensor {
    return dims === undefined ? op('sum').one(this) : op('sum.dim_IntList').one(this, list(dims), keepdim)
  },
  mean(this: Tensor, dims?: Dims, keepdim: boolean = false): Tensor {
    return dims === undefined ? op('mean').one(this) : op('mean.dim').one(this, list(dims), keepdim)
  },
  /** Variance; `unbiased` divides by n - 1. */
  variance(this: Tensor, dims: Dims, { unbiased = true, keepdim = false } = {}): Tensor {
    return op('var.dim').one(this, list(dims), unbiased, keepdim)
  },
  std(this: Tensor, dims: Dims, { unbiased = true, keepdim = false } = {}): Tensor {
    return op('std.dim').one(this, list(dims), unbiased, keepdim)
  },
  amax(this: Tensor, dims: Dims = [], keepdim: boolean = false): Tensor {
    return op('amax').one(this, list(dims), keepdim)
  },
  amin(this: Tensor, dims: Dims = [], keepdim: boolean = false): Tensor {
    return op('amin').one(this, list(dims), keepdim)
  },
  /** Largest values along an axis and where they are. */
  max(this: Tensor, dim: number, keepdim: boolean = false): [Tensor, Tensor] {
    return two(op('max.dim').all(this, dim, keepdim))
  },
  min(this: Tensor, dim: number, keepdim: boolean = false): [Tensor, Tensor] {
    return two(op('min.dim').all(this, dim, keepdim))
  },
  argmax(this: Tensor, dim: number | null = null, keepdim: boolean = false): Tensor {
    return op('argmax').one(this, dim, keepdim)
  },
  argmin(this: Tensor, dim: number | null = null, keepdim: boolean = false): Tensor {
    return op('argmin').one(this, dim, keepdim)
  },
  topk(this: Tensor, k: number, dim: number = -1): [Tensor, Tensor] {
    return two(op('topk').all(this, k, dim))
  },
  sort(this: Tensor, dim: number = -1, descending: boolean = false): [Tensor, Tensor] {
    return two(op('sort').all(this, dim, descending))
  },
  argsort(this: Tensor, dim: number = -1, descending: boolean = false): Tensor {
    return op('argsort').one(this, dim, descending)
  },
  cumsum(this: Tensor, dim: number): Tensor {
    return op('cumsum').one(this, dim)
  },
  prod(this: Tensor): Tensor {
    return op('prod').one(this)
  },
  any(this: Tensor): boolean {
    return op('any').one(this).item() !== 0
  },
  all(this: Tensor): boolean {
    return op('all').one(this).item() !== 0
  },
  /** Vector norm of order p over all elements or the given axes. */
  norm(this: Tensor, p: number = 2, dims?: Dims, keepdim: boolean = false): Tensor {
    return op('linalg_vector_norm').one(this, p, dims === undefined ? null : list(dims), keepdim)
  },
  softmax(this: Tensor, dim: number, dtype: DType | null = null): Tensor {
    return op('softmax.int').one(this, dim, dtype)
  },
  logSoftmax(this: Tensor, dim: number, dtype: DType | null = null): Tensor {
    return op('log_softmax.int').one(this, dim, dtype)
  },
  logsumexp(this: Tensor, dims: Dims, keepdim: boolean = false): Tensor {
    return op('logsumexp').one(this, list(dims), keepdim)
  },
  /** Occurrences of each whole number from 0. */
  bincount(this: Tensor, minlength: number = 0): Tensor {
    return op('bincount').one(this, null, minlength)
  },
}

export type Reduction = typeof reduction
