import { cat, checkpoint, F, nn, scope, type Tensor } from '@septum/torch'
import { ConvNormReLU } from './backbones/index.js'

/** 1x1 convolution named `0`, then the largest of each whole 2x2 window, as far as the map has two rows and columns. */
class PooledProjection extends nn.Module {
  readonly #conv: nn.Conv2d

  constructor(inChannels: number, outChannels: number) {
    super()
    this.#conv = new nn.Conv2d(inChannels, outChannels, 1)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#conv]
  }

  forward(x: Tensor): Tensor {
    const window = x.shape.slice(2).map((side) => Math.min(2, side))
    return F.maxPool2d(this.#conv.forward(x), window)
  }
}

/**
 * softmax(q kᵀ) v, some queries at a time where all products at once would be more than `held` numbers; gradients
 * then compute them again. A map of 176x176 has 240 million of them for each image.
 * @param q [N, L, d] @param k [N, S, d] @param v [N, S, e] @returns [N, L, e]
 */
export function attendInParts(q: Tensor, k: Tensor, v: Tensor, held = 2 ** 25): Tensor {
  const rows = Math.max(1, Math.floor(held / (k.size(0) * k.size(1))))
  const attend = (queries: Tensor, keys: Tensor, values: Tensor) =>
    scope(() => F.attention(queries, keys, values, { scale: 1 }))
  if (rows >= q.size(1)) return attend(q, k, v)
  return scope(() =>
    cat(
      q.split(rows, 1).map((queries) => checkpoint(attend, queries, k, v)),
      1,
    ),
  )
}

/**
 * Attention of every position to all positions of the same map, added to it (Wang et al. 2018, embedded Gaussian
 * with sub-sampled keys). The norm of its output starts at 0, so that it starts as the identity.
 */
export class NonLocalBlock extends nn.Module {
  readonly g: PooledProjection
  readonly W: ConvNormReLU
  readonly theta: nn.Conv2d
  readonly phi: PooledProjection

  constructor(channels: number) {
    super()
    const inner = Math.max(1, Math.floor(channels / 2))
    this.g = new PooledProjection(channels, inner)
    this.W = new ConvNormReLU(inner, channels, 1, { relu: false })
    for (const [, part] of this.W.children()) if (part instanceof nn.BatchNorm2d) nn.init.zeros_(part.weight!)
    this.theta = new nn.Conv2d(channels, inner, 1)
    this.phi = new PooledProjection(channels, inner)
  }

  /** @param x [N, C, H, W] @returns [N, C, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const [n, , h, w] = x.shape as [number, number, number, number]
      const tokens = (t: Tensor) => t.flatten(2).transpose(1, 2) // [N, P, C / 2]
      const mixed = attendInParts(
        tokens(this.theta.forward(x)),
        tokens(this.phi.forward(x)),
        tokens(this.g.forward(x)),
      ) // [N, HW, C / 2]
      const map = mixed.transpose(1, 2).reshape([n, mixed.size(2), h, w])
      return this.W.forward(map).add_(x)
    })
  }
}
