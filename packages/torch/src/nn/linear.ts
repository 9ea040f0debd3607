import { noGrad } from '../autograd.js'
import { operator } from '../call.js'
import { empty } from '../create.js'
import { linear } from '../functional/convolution.js'
import { scope } from '../lifetime.js'
import type { Tensor } from '../ops/index.js'
import { kaimingUniform_, normal_, uniform_ } from './init.js'
import { Module, parameter } from './module.js'

/** x weightᵀ + bias; weight [outFeatures, inFeatures]. */
export class Linear extends Module {
  weight: Tensor
  bias: Tensor | null

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    { bias = true }: { readonly bias?: boolean } = {},
  ) {
    super()
    this.weight = parameter(kaimingUniform_(empty([outFeatures, inFeatures]), { a: Math.sqrt(5) }))
    const bound = 1 / Math.sqrt(inFeatures)
    this.bias = bias ? parameter(uniform_(empty([outFeatures]), -bound, bound)) : null
  }

  /** @param x [..., inFeatures] @returns [..., outFeatures] */
  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias)
  }
}

const embedding = operator('aten::embedding')

/** A trained row of `width` numbers for each of `count` indices, N(0, 1) at first. */
export class Embedding extends Module {
  weight: Tensor
  readonly paddingIdx: number | null

  /** @param paddingIdx a row that starts at zero and takes no gradient. */
  constructor(
    readonly count: number,
    readonly width: number,
    { paddingIdx = null }: { readonly paddingIdx?: number | null } = {},
  ) {
    super()
    this.weight = parameter(normal_(empty([count, width])))
    this.paddingIdx = paddingIdx
    if (paddingIdx !== null) scope(() => noGrad(() => void this.weight.select(0, paddingIdx).zero_()))
  }

  /** @param indices int64 in [0, count), any shape [...] @returns [..., width] */
  forward(indices: Tensor): Tensor {
    return embedding.one(this.weight, indices, this.paddingIdx ?? -1)
  }
}
