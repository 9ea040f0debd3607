import { noGrad } from '../autograd.js'
import { stack } from '../create.js'
import { scope } from '../lifetime.js'
import type { Tensor } from '../ops/index.js'
import { foreach } from './foreach.js'

/**
 * Scales all gradients by maxNorm / (norm + 1e-6) where their common Euclidean norm is larger (PyTorch's formula).
 * @returns the norm before. Where it is not finite the gradients are left as they are: the caller decides.
 */
export function clipGradNorm_(params: readonly Tensor[], maxNorm: number): number {
  if (!(maxNorm > 0)) throw new RangeError(`the largest gradient norm is a positive number, got ${maxNorm}`)
  return scope(() =>
    noGrad(() => {
      const grads = params.map((param) => param.grad).filter((grad) => grad !== null)
      if (grads.length === 0) return 0
      const norm = stack(foreach.norm(grads)).norm().item()
      const factor = maxNorm / (norm + 1e-6)
      if (Number.isFinite(norm) && factor < 1) foreach.mul_(grads, factor)
      return norm
    }),
  )
}

/**
 * Cuts every element of all gradients to [-largest, largest] (PyTorch's `clip_grad_value_`). An element that is no
 * number stays one: the caller decides.
 */
export function clipGradValue_(params: readonly Tensor[], largest: number): void {
  if (!(largest > 0)) throw new RangeError(`the largest gradient value is a positive number, got ${largest}`)
  scope(() =>
    noGrad(() => {
      for (const { grad } of params) grad?.clamp_(-largest, largest)
    }),
  )
}
