import type { Tensor } from '../ops/index.js'
import { Module } from './module.js'

/** A module that maps one tensor to one tensor. */
export interface Layer extends Module {
  forward(x: Tensor): Tensor
}

/**
 * Layers one after another. Their state-dict names are `0`, `1`, ... as in PyTorch.
 * @example new Sequential(new Conv2d(3, 8, 3, { padding: 1 }), new ReLU())
 */
export class Sequential extends Module {
  readonly layers: readonly Layer[]

  constructor(...layers: readonly Layer[]) {
    super()
    this.layers = layers
  }

  override *children(): Generator<[string, Module]> {
    for (const [i, layer] of this.layers.entries()) yield [String(i), layer]
  }

  /** Layer i; negative ones count from the end. */
  at(i: number): Layer {
    const layer = this.layers.at(i)
    if (!layer) throw new RangeError(`layer ${i} of a sequence of ${this.layers.length}`)
    return layer
  }

  /** @param x what the first layer takes @returns what the last layer gives */
  forward(x: Tensor): Tensor {
    let out = x
    for (const layer of this.layers) out = layer.forward(out)
    return out
  }
}
