import { cat, F, nn, type Tensor } from '@septum/torch'
import type { MaskNetwork } from '../mask-network.js'
import { ConvNormLeaky, LevelBlock, NestedPath, UpStep } from './blocks.js'

/**
 * NU-Net (Chen et al.): an encoder of eight levels, in whose every level but the last two a smaller U-Net begins; all
 * of them end at the coarsest level.
 */
export class NuNetNetwork extends nn.Module implements MaskNetwork {
  /** Sides must reach the coarsest level. */
  readonly multiple: number
  readonly down: LevelBlock[]
  /** Of levels 3, 5, 7: a convolution of the level two above, with half the first width. */
  readonly across: ConvNormLeaky[]
  /** `nested[i]` begins at level i. */
  readonly nested: NestedPath[]
  /** `up[i]` leads to level i. */
  readonly up: UpStep[]
  readonly head: nn.Conv2d

  constructor(inChannels: number, maps: number, { widths }: { readonly widths: readonly number[] }) {
    super()
    const levels = widths.length
    const short = Math.floor(widths[0]! / 2)
    const hasShort = (level: number) => level >= 2 && level % 2 === 0
    this.multiple = 2 ** (levels - 1)
    this.down = widths.map(
      (width, i) => new LevelBlock((widths[i - 1] ?? inChannels) + (hasShort(i) ? short : 0), width),
    )
    this.across = widths.flatMap((_, i) => (hasShort(i) ? [new ConvNormLeaky(widths[i - 2]!, short)] : []))
    const starts = widths.slice(0, -2)
    this.nested = starts.map((width, i) => new NestedPath(width, levels - 2 - i))
    const coarsest = widths.at(-1)! + starts.reduce((sum, width) => sum + width, 0)
    this.up = widths.slice(0, -1).map((width, i) => {
      const below = i === levels - 2 ? coarsest : widths[i + 1]!
      return new UpStep(i === levels - 2 ? width : 2 * width, below, width)
    })
    this.head = new nn.Conv2d(widths[0]!, maps, 1)
  }

  #encode(images: Tensor): Tensor[] {
    const maps: Tensor[] = []
    for (const [i, block] of this.down.entries()) {
      const above = maps[i - 1]
      const pooled = above ? F.maxPool2d(above, 2) : images.to({ memoryFormat: 'channels_last' })
      const across = i >= 2 && i % 2 === 0 ? this.across[i / 2 - 1]! : null
      const input = across ? cat([across.forward(F.maxPool2d(maps[i - 2]!, 4)), pooled], 1) : pooled
      maps.push(block.forward(input)) // [N, widths[i], H / 2^i, W / 2^i]
    }
    return maps
  }

  /** @param images [N, C, H, W], sides multiples of {@link multiple} @returns one map of logits [N, maps, H, W] */
  forward(images: Tensor): readonly Tensor[] {
    const maps = this.#encode(images)
    const ends = this.nested.map((path, i) => path.descend(maps[i]!))
    const coarsest = cat([maps.at(-1)!, ...ends.toReversed()], 1)
    const features = this.up.reduceRight((below, step, i) => {
      const path = this.nested[i]
      return step.forward(path ? [maps[i]!, path.ascend(ends[i]!)] : [maps[i]!], below)
    }, coarsest) // [N, widths[0], H, W]
    return [this.head.forward(features)]
  }
}
