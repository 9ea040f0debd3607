import { dropout, featureDropout } from '../functional/activation.js'
import type { Tensor } from '../ops/index.js'
import { Module } from './module.js'

abstract class Dropping extends Module {
  /** @param p probability of zeroing, in [0, 1]. */
  constructor(readonly p = 0.5) {
    super()
    if (!(p >= 0 && p <= 1)) throw new RangeError(`a dropout probability lies in [0, 1], got ${p}`)
  }
}

/** While training zeroes elements with probability p and scales the rest by 1 / (1 - p). */
export class Dropout extends Dropping {
  /** @param x any shape @returns the same shape */
  forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training)
  }
}

/** While training zeroes whole channels with probability p and scales the rest by 1 / (1 - p). */
export class Dropout2d extends Dropping {
  /** @param x [N, C, H, W] @returns the same shape */
  forward(x: Tensor): Tensor {
    return featureDropout(x, this.p, this.training)
  }
}

/** As {@link Dropout2d}, for volumes. */
export class Dropout3d extends Dropping {
  /** @param x [N, C, D, H, W] @returns the same shape */
  forward(x: Tensor): Tensor {
    return featureDropout(x, this.p, this.training)
  }
}
