import type { Reporter } from '@septum/core'
import { cat, F, nn, type Tensor } from '@septum/torch'
import { AttentionGate, GridAttentionGate } from '../../blocks/attention-gate.js'
import { ConvNormReLU } from '../../blocks/backbones/index.js'
import { ConvPair } from '../../blocks/conv-pair.js'
import { buildLevelEncoder, type LevelEncoder, type LevelEncoderOptions } from '../../blocks/level-encoder.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import type { MaskNetwork } from '../mask-network.js'
import type { AttentionUnetOptions } from './options.js'

type Gate = AttentionUnetOptions['gate']

/** Attention U-Net: what a skip carries is weighed, pixel by pixel, by what the decoder has seen below. */
export class AttentionUnetNetwork extends nn.Module implements MaskNetwork {
  readonly encoder: LevelEncoder
  /** Fine to coarse, one level less than the encoder. */
  readonly decoder: DecoderLevel[]
  readonly head: nn.Conv2d
  readonly multiple: number

  constructor(
    inChannels: number,
    classes: number,
    options: LevelEncoderOptions & Pick<AttentionUnetOptions, 'gate'>,
  ) {
    super()
    const { encoder, widths } = buildLevelEncoder(inChannels, options)
    this.encoder = encoder
    this.multiple = encoder.multiple
    const last = widths.length - 1
    this.decoder = widths.slice(0, last).map((width, i) => {
      const below = i === last - 1 ? encoder.widths[last]! : widths[i + 1]!
      return new DecoderLevel(encoder.widths[i]!, below, width, options.gate)
    })
    this.head = new nn.Conv2d(widths[0]!, classes, 1)
  }

  initialise(reporter: Reporter): void {
    this.encoder.initialise?.(reporter)
  }

  /** @returns one map of logits [N, classes, H, W] */
  forward(images: Tensor): readonly Tensor[] {
    const skips = this.encoder.forward(images)
    const features = this.decoder.reduceRight(
      (below, level, i) => level.forward(skips[i]!, below),
      skips.at(-1)!,
    ) // [N, widths[0], size of the finest level]
    const logits = this.head.forward(features)
    return [resizeMaps(logits, sizeOf(images))]
  }
}

/** Nearest up-sampling and a convolution, the gate, concatenation, two convolutions. */
class DecoderLevel extends nn.Module {
  readonly up: ConvNormReLU
  readonly gate: AttentionGate | GridAttentionGate | null
  readonly pair: ConvPair

  constructor(skip: number, below: number, width: number, gate: Gate) {
    super()
    this.up = new ConvNormReLU(below, width)
    // A quarter of the channels of the level below, half of the skip's.
    const inner = Math.max(1, Math.floor(skip / 2))
    this.gate =
      gate === 'pixel'
        ? new AttentionGate(skip, width, inner)
        : gate === 'grid'
          ? new GridAttentionGate(skip, below, inner)
          : null
    this.pair = new ConvPair(skip + width, width)
  }

  /** @param skip [N, skip, H, W] @param below [N, below, h, w] @returns [N, width, H, W] */
  forward(skip: Tensor, below: Tensor): Tensor {
    const up = this.up.forward(F.interpolate(below, { size: sizeOf(skip), mode: 'nearest' }))
    const gated = this.gate ? this.gate.forward(skip, this.gate instanceof AttentionGate ? up : below) : skip
    return this.pair.forward(cat([gated, up], 1))
  }
}
