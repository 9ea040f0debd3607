import { zerosLike } from '../create.js'
import type { Tensor } from '../ops/index.js'
import { foreach } from './foreach.js'
import { type Batch, type Group, Optimizer, type ParameterGroup } from './optimizer.js'

export interface SGDOptions {
  readonly lr: number
  readonly momentum?: number
  readonly dampening?: number
  readonly weightDecay?: number
  readonly nesterov?: boolean
}

/**
 * Stochastic gradient descent with momentum as PyTorch has it:
 * g += weightDecay p; b = momentum b + (1 - dampening) g (first step: b = g);
 * p -= lr (nesterov ? g + momentum b : b).
 */
export class SGD extends Optimizer {
  protected readonly names: readonly string[]
  readonly momentum: number
  readonly dampening: number
  readonly nesterov: boolean

  constructor(params: readonly Tensor[] | readonly ParameterGroup[], options: SGDOptions) {
    const { lr, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options
    super(params, { lr, weightDecay })
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new RangeError('Nesterov momentum needs a momentum and no dampening')
    }
    this.names = momentum === 0 ? [] : ['momentum_buffer']
    this.momentum = momentum
    this.dampening = dampening
    this.nesterov = nesterov
  }

  protected override first(param: Tensor, _grad: Tensor): Tensor[] {
    return this.momentum === 0 ? [] : [zerosLike(param)]
  }

  protected override update({ lr, weightDecay }: Group, { params, grads, steps, state }: Batch): void {
    let direction: readonly Tensor[] = weightDecay === 0 ? grads : foreach.add(grads, params, weightDecay)
    const buffers = state[0]
    if (buffers) {
      foreach.mul_(buffers, this.momentum)
      // The buffer starts as the whole gradient, without dampening.
      const isFirst = steps.map((step) => step === 1)
      for (const first of [true, false]) {
        const of = (list: readonly Tensor[]) => list.filter((_, i) => isFirst[i] === first)
        if (isFirst.includes(first)) foreach.add_(of(buffers), of(direction), first ? 1 : 1 - this.dampening)
      }
      direction = this.nesterov ? foreach.add(direction, buffers, this.momentum) : buffers
    }
    foreach.add_(params, direction, -lr)
  }
}
