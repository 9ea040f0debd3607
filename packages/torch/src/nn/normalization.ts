import { ones, zeros } from '../create.js'
import { batchNorm, groupNorm, instanceNorm, layerNorm } from '../functional/normalization.js'
import type { Tensor } from '../ops/index.js'
import { buffer, Module, parameter } from './module.js'

export interface RunningNormOptions {
  readonly eps?: number
  /** Share of the new batch in the running statistics; null averages over all batches. */
  readonly momentum?: number | null
  /** Whether a weight and a bias per channel follow. */
  readonly affine?: boolean
  /** Whether running statistics are kept and used in eval mode. */
  readonly trackRunningStats?: boolean
}

/** Weight, bias and running statistics of {@link BatchNorm} and {@link InstanceNorm}, named as in PyTorch. */
abstract class RunningNorm extends Module {
  weight: Tensor | null
  bias: Tensor | null
  running_mean: Tensor | null
  running_var: Tensor | null
  /** Batches seen while training, int64 []. */
  num_batches_tracked: Tensor | null
  readonly eps: number
  readonly momentum: number | null

  constructor(
    readonly channels: number,
    readonly ranks: readonly number[],
    { eps = 1e-5, momentum = 0.1, affine = true, trackRunningStats = true }: RunningNormOptions,
  ) {
    super()
    this.eps = eps
    this.momentum = momentum
    this.weight = affine ? parameter(ones([channels])) : null
    this.bias = affine ? parameter(zeros([channels])) : null
    this.running_mean = trackRunningStats ? buffer(zeros([channels])) : null
    this.running_var = trackRunningStats ? buffer(ones([channels])) : null
    this.num_batches_tracked = trackRunningStats ? buffer(zeros([], { dtype: 'int64' })) : null
  }

  protected check(x: Tensor): void {
    const rank = x.ndim
    if (!this.ranks.includes(rank) || x.size(1) !== this.channels) {
      const name = this.constructor.name
      throw new RangeError(
        `${name}(${this.channels}) takes ${this.ranks.join(' or ')} axes, got [${x.shape}]`,
      )
    }
  }
}

/** Statistics over batch and space while training, running ones in eval mode: Ioffe and Szegedy 2015. */
abstract class BatchNorm extends RunningNorm {
  /** @param x [N, channels, ...size] @returns the same shape */
  forward(x: Tensor): Tensor {
    this.check(x)
    const counter = this.num_batches_tracked
    if (this.training && counter) counter.add_(1)
    const momentum = this.momentum ?? (this.training && counter ? 1 / counter.item() : 0)
    const training = this.training || this.running_mean === null
    const options = { training, momentum, eps: this.eps }
    return batchNorm(x, this.running_mean, this.running_var, this.weight, this.bias, options)
  }
}

/** Batch normalisation of [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  constructor(channels: number, options: RunningNormOptions = {}) {
    super(channels, [2, 3], options)
  }
}

/** Batch normalisation of [N, C, H, W]. */
export class BatchNorm2d extends BatchNorm {
  constructor(channels: number, options: RunningNormOptions = {}) {
    super(channels, [4], options)
  }
}

/** Batch normalisation of [N, C, D, H, W]. */
export class BatchNorm3d extends BatchNorm {
  constructor(channels: number, options: RunningNormOptions = {}) {
    super(channels, [5], options)
  }
}

/** Statistics over the space of each channel of each sample: Ulyanov et al. 2016. */
abstract class InstanceNorm extends RunningNorm {
  constructor(channels: number, ranks: readonly number[], options: RunningNormOptions) {
    super(channels, ranks, { affine: false, trackRunningStats: false, ...options })
  }

  /** @param x [N, channels, ...size] @returns the same shape */
  forward(x: Tensor): Tensor {
    this.check(x)
    return instanceNorm(x, this.weight, this.bias, {
      eps: this.eps,
      runningMean: this.running_mean,
      runningVar: this.running_var,
      useInputStats: this.training || this.running_mean === null,
      momentum: this.momentum ?? 0,
    })
  }
}

/** Instance normalisation of [N, C, L]; no weight and no running statistics unless asked for. */
export class InstanceNorm1d extends InstanceNorm {
  constructor(channels: number, options: RunningNormOptions = {}) {
    super(channels, [3], options)
  }
}

/** Instance normalisation of [N, C, H, W]; no weight and no running statistics unless asked for. */
export class InstanceNorm2d extends InstanceNorm {
  constructor(channels: number, options: RunningNormOptions = {}) {
    super(channels, [4], options)
  }
}

/** Instance normalisation of [N, C, D, H, W]; no weight and no running statistics unless asked for. */
export class InstanceNorm3d extends InstanceNorm {
  constructor(channels: number, options: RunningNormOptions = {}) {
    super(channels, [5], options)
  }
}

export interface NormOptions {
  readonly eps?: number
  readonly affine?: boolean
}

/** Statistics over groups of channels and space of each sample: Wu and He 2018. */
export class GroupNorm extends Module {
  weight: Tensor | null
  bias: Tensor | null
  readonly eps: number

  constructor(
    readonly groups: number,
    readonly channels: number,
    { eps = 1e-5, affine = true }: NormOptions = {},
  ) {
    super()
    if (channels % groups !== 0)
      throw new RangeError(`${channels} channels do not divide into ${groups} groups`)
    this.eps = eps
    this.weight = affine ? parameter(ones([channels])) : null
    this.bias = affine ? parameter(zeros([channels])) : null
  }

  /** @param x [N, channels, ...] @returns the same shape */
  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, this.eps)
  }
}

/** Statistics over the last axes of each position: Ba et al. 2016. */
export class LayerNorm extends Module {
  weight: Tensor | null
  bias: Tensor | null
  readonly shape: readonly number[]
  readonly eps: number

  /** @param shape sizes of the last axes, or the size of the last one. */
  constructor(shape: number | readonly number[], { eps = 1e-5, affine = true }: NormOptions = {}) {
    super()
    this.shape = typeof shape === 'number' ? [shape] : shape
    this.eps = eps
    this.weight = affine ? parameter(ones(this.shape)) : null
    this.bias = affine ? parameter(zeros(this.shape)) : null
  }

  /** @param x [..., ...shape] @returns the same shape */
  forward(x: Tensor): Tensor {
    return layerNorm(x, this.shape, this.weight, this.bias, this.eps)
  }
}
