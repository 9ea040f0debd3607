import { nn, type Tensor } from '@septum/torch'
import { type Backbone, Res2Net50 } from '../../blocks/backbones/index.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import { FusionDecoder, LightRfb } from './light-rfb.js'
import { NormalizedAttention } from './normalized-attention.js'
import type { PnsNetOptions } from './options.js'

const HIGH = 32
const LOW = 24
const FUSED = 16

/** Res2Net-50 without its last stage, which PNS-Net does not use. */
class Extractor extends nn.Module {
  readonly #whole: Res2Net50

  constructor(whole: Res2Net50) {
    super()
    this.#whole = whole
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [name, child] of this.#whole.children()) if (!/^(layer4|fc)\b/.test(name)) yield [name, child]
  }

  /** @param x [N, 3, H, W] @returns levels at strides 8 and 16 */
  forward(x: Tensor): readonly [Tensor, Tensor] {
    const { levels } = this.#whole.upTo(3, x)
    return [levels[1]!, levels[2]!]
  }
}

export type NetworkOptions = Pick<PnsNetOptions, 'encoderWidth' | 'channels' | 'attention' | 'dropout'>

/** PNS-Net (Ji et al. 2021) with the names of its release. */
export class PnsNetwork extends nn.Module {
  readonly feature_extractor: Extractor
  readonly High_RFB: LightRfb
  readonly Low_RFB: LightRfb
  readonly decoder: FusionDecoder
  readonly SegNIN: nn.Sequential
  readonly NSB_1: NormalizedAttention | null
  readonly NSB_2: NormalizedAttention | null
  readonly #encoder: Res2Net50

  /** @param imageSize the size that attention is made for */
  constructor(classes: number, imageSize: readonly number[], options: NetworkOptions) {
    super()
    const { encoderWidth, channels, attention, dropout } = options
    this.#encoder = new Res2Net50({ width: encoderWidth })
    const [, middle, deep] = this.#encoder.channels.levels
    this.feature_extractor = new Extractor(this.#encoder)
    this.High_RFB = new LightRfb(deep, channels, HIGH)
    this.Low_RFB = new LightRfb(middle, channels, LOW)
    this.decoder = new FusionDecoder(LOW, HIGH, FUSED)
    this.SegNIN = new nn.Sequential(
      new nn.Dropout2d(dropout),
      new nn.Conv2d(FUSED, classes, 1, { bias: false }),
    )
    const grid = [Math.ceil(imageSize[0]! / 16), Math.ceil(imageSize[1]! / 16)] as const
    this.NSB_1 = attention ? new NormalizedAttention(HIGH, grid) : null
    this.NSB_2 = attention ? new NormalizedAttention(HIGH, grid) : null
  }

  /** The whole encoder, which published weights are given to. */
  get resnet(): Backbone {
    return this.#encoder
  }

  /** Everything but attention. */
  get frameParts(): readonly nn.Module[] {
    return [this.feature_extractor, this.High_RFB, this.Low_RFB, this.decoder, this.SegNIN]
  }

  /**
   * @param x frames [N, 3, H, W], normalised
   * @param frames that belong to one clip, in order: attention looks at all of them; 0: no attention
   * @returns logits [N, classes, H, W]
   */
  forward(x: Tensor, frames = 1): Tensor {
    const [middle, deep] = this.feature_extractor.forward(x)
    const low = this.Low_RFB.forward(middle) // [N, 24, H / 8, W / 8]
    const high = this.High_RFB.forward(deep) // [N, 32, H / 16, W / 16]
    const attended = frames === 0 ? high : this.#attend(high, frames)
    const fused = this.decoder.forward(low, resizeMaps(attended, sizeOf(low))) // [N, 16, H / 8, W / 8]
    return resizeMaps(this.SegNIN.forward(fused), sizeOf(x))
  }

  #attend(high: Tensor, frames: number): Tensor {
    if (!this.NSB_1 || !this.NSB_2) return high
    const clips = high.unflatten(0, [-1, frames]) // [N / frames, frames, 32, H / 16, W / 16]
    const first = this.NSB_1.forward(clips).add(clips)
    const second = this.NSB_2.forward(first).add(first)
    return clips.add(second).flatten(0, 1)
  }
}
