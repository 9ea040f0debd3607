import type { Reporter } from '@septum/core'
import { F, nn, type Tensor } from '@septum/torch'
import { z } from 'zod'
import {
  type Backbone,
  type BackboneName,
  backboneNames,
  buildBackbone,
  dropPathOption,
  encoderWidthOption,
  ImageInput,
  loadPretrained,
} from './backbones/index.js'
import { ConvPair } from './conv-pair.js'

/** The contracting side of a U: maps of several sizes, fine to coarse. */
export interface LevelEncoder extends nn.Module {
  /** Channels of each level, fine to coarse. */
  readonly widths: readonly number[]
  /** Sides of an image must be multiples of this. */
  readonly multiple: number
  /**
   * @param images [N, C, H, W] in [0, 1] @param levels how many are needed; more may come
   * @returns one map a level, no level larger than the one before
   */
  forward(images: Tensor, levels?: number): readonly Tensor[]
  /** Published weights to start from, where there are any. */
  initialise?(reporter: Reporter): void
}

/** Pairs of convolutions with max-pooling between them. */
export class PlainEncoder extends nn.Module implements LevelEncoder {
  readonly levels: ConvPair[]

  constructor(
    inChannels: number,
    readonly widths: readonly number[],
  ) {
    super()
    this.levels = widths.map((width, i) => new ConvPair(i === 0 ? inChannels : widths[i - 1]!, width))
  }

  get multiple(): number {
    return 2 ** (this.widths.length - 1)
  }

  forward(images: Tensor, levels = this.levels.length): readonly Tensor[] {
    const maps: Tensor[] = []
    for (const level of this.levels.slice(0, levels)) {
      const before = maps.at(-1)
      maps.push(level.forward(before ? F.maxPool2d(before, 2) : images.to({ memoryFormat: 'channels_last' }))) // [N, widths[i], H / 2^i, W / 2^i]
    }
    return maps
  }
}

/**
 * A classification network as the contracting side: its four levels and, before them, the pooled stem (ResNets,
 * Res2Net: E1 to E5 of M2SNet, the first two of one size) or the map at half the size, where it has one.
 */
export class BackboneEncoder extends nn.Module implements LevelEncoder {
  readonly input: ImageInput
  readonly backbone: Backbone
  readonly widths: readonly number[]
  readonly multiple = 1

  constructor(inChannels: number, name: BackboneName, width: number, dropPath: number) {
    super()
    this.backbone = buildBackbone(name, { width, dropPath })
    this.input = new ImageInput(inChannels, this.backbone.input)
    const { stem, stride2, levels } = this.backbone.channels
    this.widths = [stem ?? stride2, ...levels].filter((channels) => channels !== null)
  }

  forward(images: Tensor): readonly Tensor[] {
    const { stem, stride2, levels } = this.backbone.forward(this.input.forward(images))
    return [stem ?? stride2, ...levels].filter((map) => map !== null)
  }

  initialise(reporter: Reporter): void {
    loadPretrained(this.backbone, reporter)
  }
}

/** For the options of a method. */
export const levelEncoderOptions = {
  widths: z
    .array(z.int().min(1))
    .min(2)
    .max(8)
    .describe('channels of each level; the size halves between levels'),
  encoder: z
    .enum(['plain', ...backboneNames])
    .default('plain')
    .describe(
      'plain: pairs of convolutions, as in the paper; else a backbone whose maps feed the same decoder, which then has `widths` channels where they reach',
    ),
  encoderWidth: encoderWidthOption,
  dropPath: dropPathOption,
  encoderRate: z
    .number()
    .positive()
    .default(0.1)
    .describe('factor on the learning rate of a backbone; plain encoders learn at the full rate'),
}

export interface LevelEncoderOptions {
  readonly widths: readonly number[]
  readonly encoder: 'plain' | BackboneName
  readonly encoderWidth: number
  readonly dropPath: number
}

/**
 * The encoder of the options and the widths of the decoder's levels: those of the options, the coarsest repeated
 * where a backbone has more levels.
 */
export function buildLevelEncoder(
  inChannels: number,
  { widths, encoder, encoderWidth, dropPath }: LevelEncoderOptions,
): { encoder: LevelEncoder; widths: readonly number[] } {
  if (encoder === 'plain') return { encoder: new PlainEncoder(inChannels, widths), widths }
  const built = new BackboneEncoder(inChannels, encoder, encoderWidth, dropPath)
  return { encoder: built, widths: built.widths.map((_, i) => widths[Math.min(i, widths.length - 1)]!) }
}
