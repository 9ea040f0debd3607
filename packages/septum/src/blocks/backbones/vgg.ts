import { F, nn, scope, type Tensor } from '@septum/torch'
import {
  Backbone,
  type BackboneOptions,
  type FeatureChannels,
  type Features,
  four,
  scaledWidth,
} from './backbone.js'
import { initialiseLikeTorchvision } from './conv-norm.js'

/** Indices of the convolutions in torchvision's `features`, by block; a pool stands before each later block. */
const BLOCKS = [
  [0, 2],
  [5, 7],
  [10, 12, 14],
  [17, 19, 21],
  [24, 26, 28],
] as const
const WIDTHS = [64, 128, 256, 512, 512]

/** `features` of torchvision's VGG: convolutions at their places among activations and pools. */
class VggFeatures extends nn.Module {
  readonly #blocks: nn.Conv2d[][]

  constructor(widths: readonly number[]) {
    super()
    let inChannels = 3
    this.#blocks = BLOCKS.map((indices, block) =>
      indices.map(() => {
        const made = new nn.Conv2d(inChannels, widths[block]!, 3, { padding: 1 })
        inChannels = widths[block]!
        return made
      }),
    )
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [block, indices] of BLOCKS.entries()) {
      for (const [i, index] of indices.entries()) yield [String(index), this.#blocks[block]![i]!]
    }
  }

  /** @returns the last activations of the first `count` blocks, at strides 1, 2, 4, 8, 16 */
  forward(x: Tensor, count: number = BLOCKS.length): Tensor[] {
    let features = x
    return this.#blocks.slice(0, count).map((convs, block) => {
      features = scope(() => {
        const input = block === 0 ? features : F.maxPool2d(features, 2, { ceilMode: true })
        return convs.reduce((y, conv) => conv.forward(y).relu_(), input)
      })
      return features
    })
  }
}

/**
 * VGG-16 without batch norm (Simonyan and Zisserman 2015), `features` only: 14,714,688 parameters. Pools round up, like
 * the strided convolutions of the other backbones; for sides that are multiples of 32 that is torchvision. As a backbone
 * its maps are relu2_2 (stride 2), relu3_3, relu4_3, relu5_3 and the last pool (strides 4 to 32).
 */
export class Vgg16 extends Backbone {
  readonly channels: FeatureChannels
  readonly features: VggFeatures

  constructor({ width = 1 }: BackboneOptions = {}) {
    super('vgg16')
    const [, second, ...rest] = WIDTHS.map((w) => scaledWidth(w, width))
    this.features = new VggFeatures([scaledWidth(64, width), second!, ...rest])
    this.channels = { stride2: second!, stem: null, levels: four([...rest, rest.at(-1)!]) }
    initialiseLikeTorchvision(this)
  }

  override forward(x: Tensor): Features {
    const [, stride2, ...maps] = this.features.forward(x)
    const last = F.maxPool2d(maps.at(-1)!, 2, { ceilMode: true })
    return { stride2: stride2!, stem: null, levels: four([...maps, last]) }
  }

  override unused(name: string): boolean {
    return name.startsWith('classifier.')
  }
}
