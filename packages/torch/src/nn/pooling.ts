import { operator } from '../call.js'
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool2d,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type PoolOptions,
} from '../functional/pooling.js'
import { type InterpolateOptions, interpolate } from '../functional/resampling.js'
import type { Tensor } from '../ops/index.js'
import { Module } from './module.js'

type Sizes = number | readonly number[]

type PoolFunction<O> = (x: Tensor, kernel: Sizes, options?: O) => Tensor

class Pool<O extends PoolOptions> extends Module {
  constructor(
    private readonly run: PoolFunction<O>,
    readonly kernel: Sizes,
    readonly options?: O,
  ) {
    super()
  }

  /** @param x [N, C, ...size] @returns [N, C, ...smaller size] */
  forward(x: Tensor): Tensor {
    return this.run(x, this.kernel, this.options)
  }
}

/** Constructors take the window size and options; the stride is the window size unless given. */
function pool<O extends PoolOptions>(run: PoolFunction<O>): new (kernel: Sizes, options?: O) => Pool<O> {
  return class extends Pool<O> {
    constructor(kernel: Sizes, options?: O) {
      super(run, kernel, options)
    }
  }
}

class AdaptivePool extends Module {
  constructor(
    private readonly run: (x: Tensor, size: Sizes) => Tensor,
    readonly size: Sizes,
  ) {
    super()
  }

  /** @param x [N, C, ...any size] @returns [N, C, ...size] */
  forward(x: Tensor): Tensor {
    return this.run(x, this.size)
  }
}

/** Constructors take the output size, along all axes or along each. */
function adaptive(run: (x: Tensor, size: Sizes) => Tensor): new (size: Sizes) => AdaptivePool {
  return class extends AdaptivePool {
    constructor(size: Sizes) {
      super(run, size)
    }
  }
}

const adaptiveMaxPool1d = (x: Tensor, size: Sizes): Tensor =>
  operator('aten::adaptive_max_pool1d').all(x, typeof size === 'number' ? [size] : size)[0] as Tensor

/** Largest value of each window of [N, C, L]. */
export class MaxPool1d extends pool(maxPool1d) {}
/** Largest value of each window of [N, C, H, W]. */
export class MaxPool2d extends pool(maxPool2d) {}
/** Largest value of each window of [N, C, D, H, W]. */
export class MaxPool3d extends pool(maxPool3d) {}
/** Mean of each window of [N, C, L]. */
export class AvgPool1d extends pool(avgPool1d) {}
/** Mean of each window of [N, C, H, W]. */
export class AvgPool2d extends pool(avgPool2d) {}
/** Mean of each window of [N, C, D, H, W]. */
export class AvgPool3d extends pool(avgPool3d) {}
/** Means over windows that give [N, C, size]. */
export class AdaptiveAvgPool1d extends adaptive(adaptiveAvgPool1d) {}
/** Means over windows that give [N, C, ...size]. */
export class AdaptiveAvgPool2d extends adaptive(adaptiveAvgPool2d) {}
/** Means over windows that give [N, C, ...size]. */
export class AdaptiveAvgPool3d extends adaptive(adaptiveAvgPool3d) {}
/** Largest values over windows that give [N, C, size]. */
export class AdaptiveMaxPool1d extends adaptive(adaptiveMaxPool1d) {}
/** Largest values over windows that give [N, C, ...size]. */
export class AdaptiveMaxPool2d extends adaptive(adaptiveMaxPool2d) {}
/** Largest values over windows that give [N, C, ...size]. */
export class AdaptiveMaxPool3d extends adaptive(adaptiveMaxPool3d) {}

/** Resizes by {@link interpolate}; options are its own. */
export class Upsample extends Module {
  constructor(readonly options: InterpolateOptions) {
    super()
  }

  /** @param x [N, C, ...size] @returns [N, C, ...other size] */
  forward(x: Tensor): Tensor {
    return interpolate(x, this.options)
  }
}
