import { noGrad } from '../autograd.js'
import { operator } from '../call.js'
import { full, zeros } from '../create.js'
import { scope } from '../lifetime.js'
import type { Tensor } from '../ops/index.js'
import { foreach } from './foreach.js'
import type { Optimizer } from './optimizer.js'

export interface GradScalerOptions {
  readonly initialScale?: number
  readonly growthFactor?: number
  readonly backoffFactor?: number
  /** Steps without overflow after which the scale grows. */
  readonly growthInterval?: number
}

export interface GradScalerState {
  readonly scale: number
  readonly goodSteps: number
}

const unscaleOnGpu = operator('aten::_amp_foreach_non_finite_check_and_unscale_')

/**
 * Scales the loss so that float16 gradients do not vanish, and skips steps whose gradients overflowed: the
 * rules and defaults of PyTorch's `GradScaler`.
 *
 * @example
 * scaler.scale(loss).backward()
 * if (scaler.unscale_(optimizer)) optimizer.step()
 * scaler.update()
 */
export class GradScaler {
  #scale: number
  #goodSteps = 0
  #finite = true
  readonly growthFactor: number
  readonly backoffFactor: number
  readonly growthInterval: number

  constructor(options: GradScalerOptions = {}) {
    const { initialScale = 65536, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 } = options
    this.#scale = initialScale
    this.growthFactor = growthFactor
    this.backoffFactor = backoffFactor
    this.growthInterval = growthInterval
  }

  get currentScale(): number {
    return this.#scale
  }

  /** @param loss scalar */
  scale(loss: Tensor): Tensor {
    return loss.mul(this.#scale)
  }

  /**
   * Divides the gradients by the scale; clip them afterwards.
   * @returns whether all are finite. If not, skip this step: call {@link GradScaler.update} only.
   */
  unscale_(optimizer: Optimizer): boolean {
    const finite = scope(() =>
      noGrad(() => {
        const params = optimizer.groups.flatMap((group) => group.params)
        const grads = params.map((param) => param.grad).filter((grad) => grad !== null)
        const device = grads[0]?.device
        if (device === undefined) return true
        if (device !== 'cpu') {
          const found = zeros([1], { device })
          unscaleOnGpu.all(grads, found, full([1], 1 / this.#scale, { device }))
          return found.item() === 0
        }
        foreach.mul_(grads, 1 / this.#scale)
        return grads.every((grad) => grad.isfinite().all())
      }),
    )
    this.#finite &&= finite
    return finite
  }

  /** Adapts the scale to what {@link GradScaler.unscale_} found since the last call. */
  update(): void {
    if (!this.#finite) {
      this.#scale *= this.backoffFactor
      this.#goodSteps = 0
    } else if (++this.#goodSteps === this.growthInterval) {
      this.#scale *= this.growthFactor
      this.#goodSteps = 0
    }
    this.#finite = true
  }

  stateDict(): GradScalerState {
    return { scale: this.#scale, goodSteps: this.#goodSteps }
  }

  loadStateDict({ scale, goodSteps }: GradScalerState): void {
    this.#scale = scale
    this.#goodSteps = goodSteps
  }
}
