import { nn, type Tensor } from '@septum/torch'
import { type Backbone, buildBackbone } from '../../blocks/backbones/index.js'
import { sizeOf } from '../../blocks/resize.js'
import { AdaptiveSelection, DecoderBlock, FinalOutput, SideOutput } from './decoder.js'
import { GlobalContextModule } from './global-context.js'
import { localContext } from './local-context.js'
import type { AcsNetOptions } from './options.js'

export type NetworkOptions = Pick<
  AcsNetOptions,
  'encoder' | 'encoderWidth' | 'dropPath' | 'channels' | 'dropout'
>

/** ACSNet with the names of the released code behind its encoder; 29,450,709 parameters with ResNet-34 and one class. */
export class AcsNetwork extends nn.Module {
  readonly resnet: Backbone
  readonly gcm: GlobalContextModule
  readonly outconv: FinalOutput
  readonly #decoders: DecoderBlock[]
  readonly #sides: SideOutput[]
  readonly #selections: AdaptiveSelection[]

  constructor(classes: number, { encoder, encoderWidth, dropPath, channels, dropout }: NetworkOptions) {
    super()
    this.resnet = buildBackbone(encoder, { width: encoderWidth, dropPath })
    const { stride2, levels } = this.resnet.channels
    // All lists run from deep (stride 16) to shallow (stride 2), where transformers and ConvNeXt have no map.
    const skips = [levels[2], levels[1], levels[0], stride2 ?? 0]
    const decoded = [8, 4, 2, 1].map((times) => times * channels)
    const context = [4, 2, 1, 1].map((times) => times * channels)
    const joined = skips.map((skip, i) => skip + decoded[i]! + context[i]!)
    const inputs = [levels[3], ...joined]
    this.gcm = new GlobalContextModule(levels[3], channels, context)
    this.#decoders = inputs.map((width, i) => new DecoderBlock(width, decoded[i] ?? channels))
    this.#sides = decoded.map((width) => new SideOutput(width, Math.floor(width / 4), classes, dropout))
    this.#selections = joined.map((width, i) => new AdaptiveSelection(decoded[i]!, width))
    this.outconv = new FinalOutput(channels, channels / 2, classes, dropout)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield* super.children()
    for (const [i, part] of this.#decoders.entries()) yield [`decoder${5 - i}`, part]
    for (const [i, part] of this.#sides.entries()) yield [`sideout${5 - i}`, part]
    for (const [i, part] of this.#selections.entries()) yield [`asm${4 - i}`, part]
  }

  /**
   * @param x [N, 3, H, W], normalised
   * @returns logits [N, classes, ...] at strides 1, 2, 4, 8 and 16; the first is the best
   */
  forward(x: Tensor): Tensor[] {
    const { stride2, levels } = this.resnet.forward(x)
    const skips = [levels[2], levels[1], levels[0], stride2]
    const half = sizeOf(x).map((side) => Math.ceil(side / 2))
    const sizes = skips.map((skip) => (skip ? sizeOf(skip) : half))
    const contexts = this.gcm.forward(levels[3], sizes)
    const maps: Tensor[] = []
    let features: Tensor = levels[3]
    for (const [i, skip] of skips.entries()) {
      const decoded = this.#decoders[i]!.forward(features, sizes[i]!)
      const side = this.#sides[i]!.forward(decoded)
      maps.unshift(side)
      const local = skip && localContext(skip, side)
      features = this.#selections[i]!.forward(local, decoded, contexts[i]!)
    }
    return [this.outconv.forward(this.#decoders[4]!.forward(features, sizeOf(x))), ...maps]
  }
}
