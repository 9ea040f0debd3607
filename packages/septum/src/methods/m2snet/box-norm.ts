import { buffer, F, nn, ones, type Tensor, zeros } from '@septum/torch'

const MOMENTUM = 0.1

/** Running mean and variance of one use of a shared norm; all channels have the same, as they see the same map. */
class Statistics extends nn.Module {
  running_mean: Tensor
  running_var: Tensor
  /** Counts writes too, which caches of folded weights go by. */
  num_batches_tracked: Tensor

  constructor() {
    super()
    this.running_mean = buffer(zeros([1]))
    this.running_var = buffer(ones([1]))
    this.num_batches_tracked = buffer(zeros([], { dtype: 'int64' }))
  }
}

/**
 * Batch norm and ReLU of a box sum over all channels (`conv_3`, `conv_5` of the released code, where each is one
 * module for all units and both of their inputs).
 *
 * The released convolution with dense kernels of ones gives C equal maps; this takes the one map, normalises it once
 * and only then makes C of it by scales and shifts, which is the same and costs nothing beside a convolution.
 *
 * With `uses` the running statistics of each use are kept apart; training is the same, but evaluation normalises
 * each use with its own statistics. With none they are shared as released: 20 maps of unlike statistics update them
 * in each pass, so that the last ones prevail and evaluation lags behind training.
 */
export class BoxNorm extends nn.Module {
  readonly norm: nn.BatchNorm2d
  readonly uses: Statistics[]

  constructor(channels: number, uses: number) {
    super()
    this.norm = new nn.BatchNorm2d(channels)
    this.uses = Array.from({ length: uses }, () => new Statistics())
  }

  /**
   * @param box [N, 1, H, W] float32 @param use number of the use, from 0, in the order of the pass
   * @returns [N, C, H, W] channels-last, at least 0
   */
  forward(box: Tensor, use: number): Tensor {
    const [n, , h, w] = box.shape as [number, number, number, number]
    const { weight, bias, channels } = this.norm
    const [map, scale, shift] = this.training
      ? [this.#normalise(box, use), weight!, bias!]
      : [box, ...this.#evaluation(use)]
    // A column times a row: each channel is scale x map + shift, laid out with channels last.
    const wide = F.linear(map.reshape([n * h * w, 1]), scale.view([channels, 1]), shift) // [N H W, C]
    return wide.relu_().view([n, h, w, channels]).permute([0, 3, 1, 2])
  }

  /** Zero mean and unit variance over the batch; updates the running statistics. */
  #normalise(box: Tensor, use: number): Tensor {
    const own = this.uses[use]
    const { running_mean, running_var, num_batches_tracked, eps } = this.norm
    const options = { training: true, momentum: MOMENTUM, eps }
    if (own) {
      own.num_batches_tracked.add_(1)
      return F.batchNorm(box, own.running_mean, own.running_var, null, null, options)
    }
    num_batches_tracked!.add_(1)
    // All channels have the statistics of the first. Copies, because the graph must not see later uses write to them.
    const [mean, variance] = [running_mean!.narrow(0, 0, 1).clone(), running_var!.narrow(0, 0, 1).clone()]
    const normal = F.batchNorm(box, mean, variance, null, null, options)
    running_mean!.copy_(mean)
    running_var!.copy_(variance)
    return normal
  }

  /** Scale and shift of each channel that the running statistics give. */
  #evaluation(use: number): [Tensor, Tensor] {
    const { running_mean, running_var, weight, bias, eps } = this.norm
    const own = this.uses[use]
    const scale = weight!.div((own?.running_var ?? running_var!).add(eps).sqrt()) // [C]
    return [scale, bias!.sub(scale.mul(own?.running_mean ?? running_mean!))]
  }

  /** Gives every use the shared statistics, e.g. those of released weights. */
  spreadStatistics(): void {
    const { running_mean, running_var } = this.norm
    for (const own of this.uses) {
      own.running_mean.copy_(running_mean!.narrow(0, 0, 1))
      own.running_var.copy_(running_var!.narrow(0, 0, 1))
    }
  }
}
