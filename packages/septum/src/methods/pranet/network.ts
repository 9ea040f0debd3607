import { nn, type Tensor } from '@septum/torch'
import { type Backbone, buildBackbone } from '../../blocks/backbones/index.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import { ReverseAttentionDecoder } from '../../blocks/reverse-attention-decoder.js'
import type { PraNetOptions } from './options.js'

export type NetworkOptions = Pick<
  PraNetOptions,
  'encoder' | 'encoderWidth' | 'dropPath' | 'channels' | 'attentionWidths'
>

/** PraNet with the names of the released code; 30,498,319 parameters with Res2Net-50 and one class. */
export class PraNetNetwork extends nn.Module {
  readonly resnet: Backbone
  readonly #decoder: ReverseAttentionDecoder

  constructor(
    classes: number,
    { encoder, encoderWidth, dropPath, channels, attentionWidths }: NetworkOptions,
  ) {
    super()
    this.resnet = buildBackbone(encoder, { width: encoderWidth, dropPath })
    const [, ...levels] = this.resnet.channels.levels
    this.#decoder = new ReverseAttentionDecoder({
      levels,
      classes,
      channels,
      widths: attentionWidths,
      edge: 0,
      partialName: 'agg1',
    })
  }

  override *children(): Generator<[string, nn.Module]> {
    yield* super.children()
    yield* this.#decoder.children()
  }

  /** @param x [N, 3, H, W], normalised @returns logits S_g, S_4, S_3, S_2, each [N, classes, H, W]; the last is the best */
  forward(x: Tensor): Tensor[] {
    const [, ...levels] = this.resnet.forward(x).levels
    return this.#decoder.forward(levels).map((map) => resizeMaps(map, sizeOf(x)))
  }
}
