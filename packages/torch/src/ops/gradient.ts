import { backward } from '../autograd.js'
import type { Tensor } from '../tensor.js'

export const gradient = {
  /** Adds the gradients of this scalar (or of `gradient` times this) to the leaves it was made from. */
  backward(this: Tensor, gradient: Tensor | null = null, options: { retainGraph?: boolean } = {}): void {
    backward([this], [gradient], options)
  },
}

export type Gradient = typeof gradient
