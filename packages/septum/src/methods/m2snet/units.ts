import { cat, nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU } from '../../blocks/backbones/index.js'
import { type KernelShape, windowMean } from './box-filter.js'
import type { BoxNorm } from './box-norm.js'

/** Where two levels meet: a deeper map `a`, already at the size of `b`, and a shallower one. */
export interface Unit extends nn.Module {
  /** @param a, b [N, C, H, W] @returns [N, C, H, W] */
  forward(a: Tensor, b: Tensor): Tensor
}

/** What the units of one pyramid have in common. */
export interface UnitSettings {
  readonly channels: number
  readonly kernels: readonly number[]
  readonly shape: KernelShape
  /** Shared by all units, by kernel size. */
  readonly norms: ReadonlyMap<number, BoxNorm>
}

/** Sum over channels; sums of 64 x 25 activations are too much for half precision. */
const channelSum = (x: Tensor): Tensor => (x.dtype.endsWith('16') ? x.float() : x).sum(1, true)

const difference = (a: Tensor, b: Tensor): Tensor => a.sub(b).abs()

/** A combination of two maps, then the 3x3 convolution, norm and ReLU that every unit ends with (`0`, `1`). */
abstract class BaseUnit extends nn.Module implements Unit {
  readonly #out: ConvNormReLU

  constructor(channels: number) {
    super()
    this.#out = new ConvNormReLU(channels, channels)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield* this.#out.children()
    yield* super.children()
  }

  forward(a: Tensor, b: Tensor): Tensor {
    return scope(() => this.#out.forward(this.combine(a, b)))
  }

  protected abstract combine(a: Tensor, b: Tensor): Tensor
}

/**
 * Differences of pixels and of normalised box sums over all channels, as released: |a - b| + Σ_k |P_k(a) - P_k(b)|,
 * P_k = ReLU(BN_k(k x k sum over all channels)), k > 1. With kernel 1 alone it is MSNet's unit |a - b|.
 */
export class SubtractionUnit extends BaseUnit {
  readonly #settings: UnitSettings
  readonly #number: number

  /** @param number of this unit in the order of the pass, from 0: each norm is used twice by each unit. */
  constructor(settings: UnitSettings, number: number) {
    super(settings.channels)
    this.#settings = settings
    this.#number = number
  }

  protected override combine(a: Tensor, b: Tensor): Tensor {
    const { kernels, shape, norms } = this.#settings
    const terms = kernels.includes(1) ? [difference(a, b)] : []
    const wide = kernels.filter((k) => k > 1)
    if (wide.length > 0) {
      const [sumA, sumB] = [channelSum(a), channelSum(b)] // [N, 1, H, W]
      for (const k of wide) {
        const part = (sum: Tensor, use: number) =>
          norms.get(k)!.forward(windowMean(sum, k, shape).mul(k * k), 2 * this.#number + use)
        terms.push(scope(() => difference(part(sumA, 0), part(sumB, 1))))
      }
    }
    return terms.reduce((sum, term) => sum.add_(term))
  }
}

/** Differences of box means of each channel, Σ_k |mean_k(a) - mean_k(b)| (M2SNet, equation 2). */
export class BoxMeanUnit extends BaseUnit {
  constructor(private readonly settings: UnitSettings) {
    super(settings.channels)
  }

  protected override combine(a: Tensor, b: Tensor): Tensor {
    const { kernels, shape } = this.settings
    // A mean is linear: one filter of the difference in place of two.
    const d = a.sub(b)
    return kernels.map((k) => windowMean(d, k, shape).abs()).reduce((sum, term) => sum.add_(term))
  }
}

/** Addition in place of subtraction (paper, table 9). */
export class AdditionUnit extends BaseUnit {
  protected override combine(a: Tensor, b: Tensor): Tensor {
    return a.add(b)
  }
}

/**
 * Trained dilated convolutions in place of fixed boxes (paper, table 12, of which there is a sketch only): three
 * branches of rates 1, 3 and 5, both inputs through the same convolutions, differences added. In the dense form a
 * branch also sees the ones before it.
 */
export class DilatedUnit extends BaseUnit {
  readonly branches: nn.Conv2d[]

  constructor(
    channels: number,
    private readonly dense: boolean,
  ) {
    super(channels)
    this.branches = [1, 3, 5].map(
      (rate, i) =>
        new nn.Conv2d(dense ? channels * (i + 1) : channels, channels, 3, { padding: rate, dilation: rate }),
    )
  }

  #maps(x: Tensor): Tensor[] {
    const seen = [x]
    for (const branch of this.branches) seen.push(branch.forward(this.dense ? cat(seen, 1) : x))
    return seen.slice(1)
  }

  protected override combine(a: Tensor, b: Tensor): Tensor {
    const [left, right] = [this.#maps(a), this.#maps(b)]
    return left.map((x, i) => difference(x, right[i]!)).reduce((sum, term) => sum.add_(term))
  }
}
