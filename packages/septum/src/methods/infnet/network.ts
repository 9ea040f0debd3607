import { nn, scope, type Tensor } from '@septum/torch'
import { type Backbone, buildBackbone } from '../../blocks/backbones/index.js'
import { ConvBlock } from '../../blocks/conv-block.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import { ReverseAttentionDecoder } from '../../blocks/reverse-attention-decoder.js'
import type { InfNetOptions } from './options.js'

export type NetworkOptions = Pick<
  InfNetOptions,
  'encoder' | 'encoderWidth' | 'dropPath' | 'channels' | 'attentionWidths' | 'edgeChannels'
>

/** Logits at the size of the image. */
export interface InfNetMaps {
  /** S_g, S_4, S_3, S_2; the last is the best. */
  readonly masks: readonly Tensor[]
  readonly edge: Tensor
}

/** Inf-Net with the names of the released code; 31,072,721 parameters with Res2Net-50 and one class. */
export class InfNetNetwork extends nn.Module {
  readonly resnet: Backbone
  readonly edge_conv1: ConvBlock
  readonly edge_conv2: ConvBlock
  readonly edge_conv3: ConvBlock
  readonly edge_conv4: ConvBlock
  readonly #decoder: ReverseAttentionDecoder

  constructor(classes: number, options: NetworkOptions) {
    super()
    const { encoder, encoderWidth, dropPath, channels, attentionWidths, edgeChannels } = options
    this.resnet = buildBackbone(encoder, { width: encoderWidth, dropPath })
    const [shallow, ...levels] = this.resnet.channels.levels
    this.edge_conv1 = new ConvBlock(shallow, edgeChannels, 1)
    this.edge_conv2 = new ConvBlock(edgeChannels, edgeChannels, 3)
    this.edge_conv3 = new ConvBlock(edgeChannels, edgeChannels, 3)
    this.edge_conv4 = new ConvBlock(edgeChannels, classes, 3)
    this.#decoder = new ReverseAttentionDecoder({
      levels,
      classes,
      channels,
      widths: attentionWidths,
      edge: edgeChannels,
      partialName: 'ParDec',
    })
  }

  override *children(): Generator<[string, nn.Module]> {
    yield* super.children()
    yield* this.#decoder.children()
  }

  /** @param x [N, 3, H, W], normalised @returns maps [N, classes, H, W] */
  forward(x: Tensor): InfNetMaps {
    const [shallow, ...levels] = this.resnet.forward(x).levels
    const edge = scope(() =>
      this.edge_conv3.forward(this.edge_conv2.forward(this.edge_conv1.forward(shallow))),
    ) // [N, edgeChannels, H / 4, W / 4]
    const toImage = (map: Tensor) => resizeMaps(map, sizeOf(x))
    return {
      masks: this.#decoder.forward(levels, edge).map(toImage),
      edge: toImage(this.edge_conv4.forward(edge)),
    }
  }
}
