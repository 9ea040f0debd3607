import { nn, type Tensor } from '@septum/torch'
import { PartialDecoder } from './partial-decoder.js'
import { ReceptiveFieldBlock } from './receptive-field-block.js'
import { ReverseAttention } from './reverse-attention.js'

export interface ReverseAttentionDecoderOptions {
  /** Channels of the encoder at strides 8, 16 and 32. */
  readonly levels: readonly [number, number, number]
  readonly classes: number
  /** Channels of the receptive-field blocks and the partial decoder. */
  readonly channels: number
  /** Widths of reverse attention at strides 8, 16 and 32. */
  readonly widths: readonly [number, number, number]
  /** Channels of edge features; 0 for none. */
  readonly edge: number
  /** State-dict name of the partial decoder: `agg1` in PraNet, `ParDec` in Inf-Net. */
  readonly partialName: string
}

/**
 * Everything of PraNet behind its encoder: a coarse map from the three deeper levels, corrected from deep to shallow
 * by reverse attention. State-dict names are those of the released code, without a prefix.
 */
export class ReverseAttentionDecoder extends nn.Module {
  readonly #fields: ReceptiveFieldBlock[]
  readonly #partial: PartialDecoder
  readonly #branches: ReverseAttention[]

  constructor(private readonly options: ReverseAttentionDecoderOptions) {
    super()
    const { levels, classes, channels, widths, edge } = options
    this.#fields = levels.map((inChannels) => new ReceptiveFieldBlock(inChannels, channels))
    this.#partial = new PartialDecoder(channels, classes)
    this.#branches = levels.map((inChannels, i) => {
      const deepest = i === 2
      const shape = deepest ? { kernel: 5, depth: 3, last: 1 } : { kernel: 3, depth: 2, last: 3 }
      return new ReverseAttention(inChannels, classes, { ...shape, width: widths[i]!, edge })
    })
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [i, field] of this.#fields.entries()) yield [`rfb${i + 2}_1`, field]
    yield [this.options.partialName, this.#partial]
    for (let i = 2; i >= 0; i--) {
      for (const [name, layer] of this.#branches[i]!.children()) yield [`ra${i + 2}_${name}`, layer]
    }
  }

  /**
   * @param levels features at strides 8, 16 and 32 @param edge features [N, edge, H / 4, W / 4]
   * @returns logits S_g, S_4, S_3, S_2 at strides 8, 32, 16 and 8, the last being the best
   */
  forward(levels: readonly [Tensor, Tensor, Tensor], edge?: Tensor): [Tensor, Tensor, Tensor, Tensor] {
    const [x2, x3, x4] = levels.map((level, i) => this.#fields[i]!.forward(level)) as [Tensor, Tensor, Tensor]
    const global = this.#partial.forward(x4, x3, x2)
    const [branch2, branch3, branch4] = this.#branches as [
      ReverseAttention,
      ReverseAttention,
      ReverseAttention,
    ]
    const s4 = branch4.forward(levels[2], global, edge)
    const s3 = branch3.forward(levels[1], s4, edge)
    return [global, s4, s3, branch2.forward(levels[0], s3, edge)]
  }
}
