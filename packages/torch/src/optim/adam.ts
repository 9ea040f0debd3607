import { zerosLike } from '../create.js'
import type { Tensor } from '../ops/index.js'
import { foreach } from './foreach.js'
import { type Batch, type Group, Optimizer, type ParameterGroup } from './optimizer.js'

export interface AdamOptions {
  readonly lr?: number
  /** Decay of the running means of the gradient and of its square. */
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly weightDecay?: number
}

/** Running means of the gradient and of its square, both corrected for their start at zero. */
abstract class AdamRule extends Optimizer {
  protected readonly names = ['exp_avg', 'exp_avg_sq']
  readonly betas: readonly [number, number]
  readonly eps: number

  constructor(
    params: readonly Tensor[] | readonly ParameterGroup[],
    { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0 }: AdamOptions,
  ) {
    super(params, { lr, weightDecay })
    for (const beta of betas)
      if (!(beta >= 0 && beta < 1)) throw new RangeError(`betas lie in [0, 1), got ${beta}`)
    this.betas = betas
    this.eps = eps
  }

  protected override first(param: Tensor): Tensor[] {
    return [zerosLike(param), zerosLike(param)]
  }

  /** p -= lr m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps) */
  protected move(lr: number, { params, grads, steps, state }: Batch): void {
    const [beta1, beta2] = this.betas
    const [means, squares] = state as [Tensor[], Tensor[]]
    foreach.mul_(means, beta1)
    foreach.add_(means, grads, 1 - beta1)
    foreach.mul_(squares, beta2)
    foreach.addcmul_(squares, grads, grads, 1 - beta2)
    const roots = foreach.sqrt(squares)
    foreach.div_(
      roots,
      steps.map((t) => Math.sqrt(1 - beta2 ** t)),
    )
    foreach.addScalar_(roots, this.eps)
    foreach.addcdiv_(
      params,
      means,
      roots,
      steps.map((t) => -lr / (1 - beta1 ** t)),
    )
  }
}

/** Adam (Kingma and Ba 2015) with PyTorch's formula; weight decay is added to the gradient. */
export class Adam extends AdamRule {
  constructor(params: readonly Tensor[] | readonly ParameterGroup[], options: AdamOptions = {}) {
    super(params, options)
  }

  protected override update({ lr, weightDecay }: Group, batch: Batch): void {
    const grads = weightDecay === 0 ? batch.grads : foreach.add(batch.grads, batch.params, weightDecay)
    this.move(lr, { ...batch, grads })
  }
}

/** Adam with decoupled weight decay (Loshchilov and Hutter 2019): p *= 1 - lr weightDecay before the step. */
export class AdamW extends AdamRule {
  constructor(params: readonly Tensor[] | readonly ParameterGroup[], options: AdamOptions = {}) {
    super(params, { weightDecay: 0.01, ...options })
  }

  protected override update({ lr, weightDecay }: Group, batch: Batch): void {
    if (weightDecay !== 0) foreach.mul_(batch.params, 1 - lr * weightDecay)
    this.move(lr, batch)
  }
}
