import { full } from '../create.js'
import {
  elu,
  gelu,
  hardsigmoid,
  hardswish,
  leakyRelu,
  mish,
  prelu,
  relu,
  relu6,
  silu,
  softplus,
} from '../functional/activation.js'
import type { Tensor } from '../ops/index.js'
import { Module, parameter } from './module.js'

/** A function of each element. */
class Elementwise extends Module {
  constructor(private readonly run: (x: Tensor) => Tensor) {
    super()
  }

  /** @param x any shape @returns the same shape */
  forward(x: Tensor): Tensor {
    return this.run(x)
  }
}

function activation(run: (x: Tensor) => Tensor): new () => Elementwise {
  return class extends Elementwise {
    constructor() {
      super(run)
    }
  }
}

/** max(x, 0) */
export class ReLU extends activation(relu) {}
/** min(max(x, 0), 6) */
export class ReLU6 extends activation(relu6) {}
/** x sigmoid(x), also called swish */
export class SiLU extends activation(silu) {}
/** 1 / (1 + exp(-x)) */
export class Sigmoid extends activation((x) => x.sigmoid()) {}
export class Tanh extends activation((x) => x.tanh()) {}
/** x min(max(x + 3, 0), 6) / 6 */
export class Hardswish extends activation(hardswish) {}
/** min(max(x + 3, 0), 6) / 6 */
export class Hardsigmoid extends activation(hardsigmoid) {}
/** x tanh(softplus(x)) */
export class Mish extends activation(mish) {}
/** x itself: takes the place of a layer that is switched off. */
export class Identity extends activation((x) => x) {}

/** x where x > 0, else negativeSlope x. */
export class LeakyReLU extends Module {
  constructor(readonly negativeSlope = 0.01) {
    super()
  }

  /** @param x any shape @returns the same shape */
  forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope)
  }
}

/** Leaky ReLU with a trained slope, one or one per channel. */
export class PReLU extends Module {
  weight: Tensor

  constructor(count = 1, initial = 0.25) {
    super()
    this.weight = parameter(full([count], initial))
  }

  /** @param x [N, C, ...] @returns the same shape */
  forward(x: Tensor): Tensor {
    return prelu(x, this.weight)
  }
}

/** x where x > 0, else alpha (exp(x) - 1). */
export class ELU extends Module {
  constructor(readonly alpha = 1) {
    super()
  }

  /** @param x any shape @returns the same shape */
  forward(x: Tensor): Tensor {
    return elu(x, this.alpha)
  }
}

/** x Φ(x), exactly or by its tanh approximation. */
export class GELU extends Module {
  constructor(readonly approximate: 'none' | 'tanh' = 'none') {
    super()
  }

  /** @param x any shape @returns the same shape */
  forward(x: Tensor): Tensor {
    return gelu(x, this.approximate)
  }
}

/** log(1 + exp(beta x)) / beta, linear where beta x > threshold. */
export class Softplus extends Module {
  constructor(
    readonly beta = 1,
    readonly threshold = 20,
  ) {
    super()
  }

  /** @param x any shape @returns the same shape */
  forward(x: Tensor): Tensor {
    return softplus(x, this.beta, this.threshold)
  }
}

/** Sums to 1 along `dim`. */
export class Softmax extends Module {
  constructor(readonly dim: number) {
    super()
  }

  /** @param x any shape @returns the same shape, values in (0, 1] */
  forward(x: Tensor): Tensor {
    return x.softmax(this.dim)
  }
}

/** Logarithm of the softmax along `dim`. */
export class LogSoftmax extends Module {
  constructor(readonly dim: number) {
    super()
  }

  /** @param x any shape @returns the same shape, values up to 0 */
  forward(x: Tensor): Tensor {
    return x.logSoftmax(this.dim)
  }
}
