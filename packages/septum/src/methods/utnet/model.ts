import { F, nn, type Tensor } from '@septum/torch'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import type { MaskNetwork } from '../mask-network.js'
import { AttentionBlock, AttentionUp, ConvUp, PreActivationBlock, type UpStep } from './blocks.js'
import type { UtnetOptions } from './options.js'

type Options = Pick<
  UtnetOptions,
  | 'baseChannels'
  | 'attentionLevels'
  | 'blocks'
  | 'heads'
  | 'reducedSide'
  | 'dropout'
  | 'decoderAttention'
  | 'auxiliary'
>

const LEVELS = 5

/** A residual block, then attention blocks or, without attention, a second residual block. */
class Level extends nn.Module {
  readonly parts: (PreActivationBlock | AttentionBlock)[]

  constructor(inChannels: number, channels: number, attention: readonly AttentionBlock[]) {
    super()
    const rest = attention.length > 0 ? attention : [new PreActivationBlock(channels, channels)]
    this.parts = [new PreActivationBlock(inChannels, channels), ...rest]
  }

  forward(x: Tensor): Tensor {
    return this.parts.reduce((t, part) => part.forward(t), x)
  }
}

/** UTNet (Gao, Zhou, Metaxas 2021): a residual U-Net with attention over reduced keys on both sides. */
export class UtnetNetwork extends nn.Module implements MaskNetwork {
  readonly multiple = 2 ** (LEVELS - 1)
  /** Level 0, the finest, to level 4. */
  readonly down: Level[]
  /** `up[i]` brings level i + 1 to level i. */
  readonly up: UpStep[]
  /** At level 0 and, with auxiliary heads, at levels 1 to 3. */
  readonly heads: nn.Conv2d[]

  constructor(inChannels: number, classes: number, options: Options) {
    super()
    const { baseChannels, attentionLevels, blocks, decoderAttention } = options
    const widths = Array.from({ length: LEVELS }, (_, i) => baseChannels * 2 ** i)
    const has = (level: number) => attentionLevels.includes(level)
    this.down = widths.map((width, i) => {
      const count = has(i) ? (blocks[i - 1] ?? 1) : 0
      const attention = Array.from({ length: count }, () => new AttentionBlock(width, options))
      return new Level(widths[i - 1] ?? inChannels, width, attention)
    })
    this.up = widths
      .slice(0, -1)
      .map((width, i) =>
        has(i) && decoderAttention
          ? new AttentionUp(widths[i + 1]!, width, options)
          : new ConvUp(widths[i + 1]!, width),
      )
    this.heads = widths
      .slice(0, options.auxiliary ? LEVELS - 1 : 1)
      .map((width) => new nn.Conv2d(width, classes, 1))
  }

  /** @returns logits [N, classes, H, W] of the finest level and of the auxiliary heads, fine to coarse */
  forward(images: Tensor): readonly Tensor[] {
    const skips: Tensor[] = []
    for (const level of this.down) {
      const before = skips.at(-1)
      skips.push(
        level.forward(before ? F.maxPool2d(before, 2) : images.to({ memoryFormat: 'channels_last' })),
      )
    }
    const maps: Tensor[] = []
    this.up.reduceRight((coarse, step, i) => {
      const map = step.forward(coarse, skips[i]!) // [N, base 2^i, H / 2^i, W / 2^i]
      maps.unshift(map)
      return map
    }, skips.at(-1)!)
    return this.heads.map((head, i) => resizeMaps(head.forward(maps[i]!), sizeOf(images), true))
  }
}
