import { cat, nn, scope, type Tensor } from '@septum/torch'
import { ConvBlock } from './conv-block.js'
import { resizeMaps, sizeOf } from './resize.js'

/**
 * What a coarser map has not marked, 1 - sigmoid. With several classes: what none of them has marked.
 * @param logits [N, K, H, W] @returns [N, 1, H, W] in [0, 1]
 */
export const reverseAttention = (logits: Tensor): Tensor =>
  (logits.size(1) === 1 ? logits : logits.amax(1, true)).sigmoid().neg().add(1)

export interface ReverseAttentionOptions {
  readonly width: number
  /** Side of the middle convolutions. */
  readonly kernel: number
  /** Middle convolutions, each with a ReLU. */
  readonly depth: number
  /** Side of the last convolution. */
  readonly last: number
  /** Channels of edge features that join after the first convolution. Default 0. */
  readonly edge?: number
}

/**
 * Looks at a level where the coarser map has marked nothing and corrects that map (Chen et al. 2018; PraNet, section
 * 2.2; with edge features Inf-Net, section III-C). Layers are `conv1`, `conv2`, … in the order of the pass.
 */
export class ReverseAttention extends nn.Module {
  readonly #layers: ConvBlock[]

  constructor(inChannels: number, classes: number, options: ReverseAttentionOptions) {
    super()
    const { width, kernel, depth, last, edge = 0 } = options
    const middle = Array.from(
      { length: depth },
      (_, i) => new ConvBlock(i === 0 ? width + edge : width, width, kernel, { relu: true }),
    )
    this.#layers = [new ConvBlock(inChannels, width, 1), ...middle, new ConvBlock(width, classes, last)]
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [i, layer] of this.#layers.entries()) yield [`conv${i + 1}`, layer]
  }

  /**
   * @param features [N, in, H, W] @param coarser logits [N, K, h, w] @param edge features [N, edge, ...], if any
   * @returns logits [N, K, H, W]
   */
  forward(features: Tensor, coarser: Tensor, edge?: Tensor): Tensor {
    return scope(() => {
      const size = sizeOf(features)
      const above = resizeMaps(coarser, size) // [N, K, H, W]
      const [first, ...rest] = this.#layers
      const seen = first!.forward(features.mul(reverseAttention(above))) // [N, width, H, W]
      const joined = edge ? cat([seen, resizeMaps(edge, size)], 1) : seen
      return rest.reduce((x, layer) => layer.forward(x), joined).add(above)
    })
  }
}
