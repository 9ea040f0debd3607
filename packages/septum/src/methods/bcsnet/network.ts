import { cat, nn, scope, type Tensor } from '@septum/torch'
import { type Backbone, buildBackbone } from '../../blocks/backbones/index.js'
import { ConvBlock } from '../../blocks/conv-block.js'
import { ReceptiveFieldBlock } from '../../blocks/receptive-field-block.js'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import { BoundaryUnit } from './boundary.js'
import { AttentionGuidedContext } from './global-context.js'
import type { BcsNetOptions } from './options.js'
import { SemanticGuidance } from './semantic-guidance.js'

export type NetworkOptions = Pick<
  BcsNetOptions,
  'encoder' | 'encoderWidth' | 'dropPath' | 'channels' | 'decoderWidths'
>

/** Logits at the size of the image. */
export interface BcsNetMaps {
  /** Semantic guidance, then the reconstructions at strides 32, 16 and 8; the last is the best. */
  readonly masks: readonly Tensor[]
  /** [N, 1, H, W] */
  readonly boundary: Tensor
}

/** Convolutions with norm and ReLU, then one with a norm to logits: `cat2_conv1`, `cat2_conv2`, … */
class Reconstruction extends nn.Module {
  readonly #layers: ConvBlock[]

  /** @param kernels of all layers @param widths channels between them, input first */
  constructor(widths: readonly number[], kernels: readonly number[]) {
    super()
    this.#layers = kernels.map(
      (kernel, i) => new ConvBlock(widths[i]!, widths[i + 1]!, kernel, { relu: i < kernels.length - 1 }),
    )
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [i, layer] of this.#layers.entries()) yield [`conv${i + 1}`, layer]
  }

  /**
   * @param x [N, in, H, W] @param guidance [N, 1, h, w] in [0, 1]: where the semantic map sees something
   * @returns features [N, width, H, W] and logits [N, classes, H, W]
   */
  forward(x: Tensor, guidance: Tensor): [features: Tensor, logits: Tensor] {
    return scope(() => {
      const guided = x.add(x.mul(resizeMaps(guidance, sizeOf(x))))
      const features = this.#layers.slice(0, -1).reduce((y, layer) => layer.forward(y), guided)
      return [features, this.#layers.at(-1)!.forward(features)]
    })
  }
}

/**
 * BCS-Net with the names of the released code; 44,822,583 parameters with Res2Net-50 and one class, without modules
 * that the released code builds and never calls.
 */
export class BcsNetwork extends nn.Module {
  readonly resnet: Backbone
  readonly AGGC1: AttentionGuidedContext
  readonly AGGC2: AttentionGuidedContext
  readonly AGGC3: AttentionGuidedContext
  readonly bau: BoundaryUnit
  readonly rfb2: ReceptiveFieldBlock
  readonly rfb3: ReceptiveFieldBlock
  readonly rfb4: ReceptiveFieldBlock
  readonly sgu: SemanticGuidance
  readonly #cat2: Reconstruction
  readonly #cat3: Reconstruction
  readonly #cat4: Reconstruction

  constructor(classes: number, { encoder, encoderWidth, dropPath, channels, decoderWidths }: NetworkOptions) {
    super()
    this.resnet = buildBackbone(encoder, { width: encoderWidth, dropPath })
    const [c1, c2, c3, c4] = this.resnet.channels.levels
    const [narrow, wide] = decoderWidths
    this.AGGC1 = new AttentionGuidedContext(c2, true)
    this.AGGC2 = new AttentionGuidedContext(c3, false)
    this.AGGC3 = new AttentionGuidedContext(c4, false)
    this.bau = new BoundaryUnit(c1, narrow)
    this.rfb2 = new ReceptiveFieldBlock(c2, channels)
    this.rfb3 = new ReceptiveFieldBlock(c3, channels)
    this.rfb4 = new ReceptiveFieldBlock(c4, channels)
    this.sgu = new SemanticGuidance(channels, classes)
    this.#cat4 = new Reconstruction([c4, wide, wide, narrow, narrow, classes], [1, 5, 1, 3, 1])
    this.#cat3 = new Reconstruction([c3 + narrow, wide, wide, wide, wide, classes], [1, 5, 5, 5, 1])
    this.#cat2 = new Reconstruction([Math.floor(c2 / 2) + wide, wide, wide, narrow, classes], [1, 5, 1, 1])
  }

  override *children(): Generator<[string, nn.Module]> {
    yield* super.children()
    for (const [name, part] of [
      ['cat4', this.#cat4],
      ['cat3', this.#cat3],
      ['cat2', this.#cat2],
    ] as const) {
      for (const [layer, module] of part.children()) yield [`${name}_${layer}`, module]
    }
  }

  /** @param x [N, 3, H, W], normalised @returns maps at [H, W] */
  forward(x: Tensor): BcsNetMaps {
    const [f1, f2, f3, f4] = this.resnet.forward(x).levels
    const boundary = this.bau.forward(f1) // [N, 1, H / 4, W / 4]
    const semantic = this.sgu.forward(this.rfb4.forward(f4), this.rfb3.forward(f3), this.rfb2.forward(f2))
    // One guidance for all classes: where any of them is seen.
    const guidance = semantic.sigmoid().amax(1, true) // [N, 1, H / 16, W / 16]

    // Halved from level to level, as released, and not from the first.
    const edge2 = resizeMaps(boundary.sigmoid(), sizeOf(f2))
    const edge3 = resizeMaps(edge2, sizeOf(f3))
    const context2 = this.AGGC1.forward(f2, edge2)
    const context3 = this.AGGC2.forward(f3, edge3)
    const context4 = this.AGGC3.forward(f4, resizeMaps(edge3, sizeOf(f4)))

    const [features4, s4] = this.#cat4.forward(context4, guidance)
    const joined3 = cat([context3, resizeMaps(features4, sizeOf(f3))], 1)
    const [features3, s3] = this.#cat3.forward(joined3, guidance)
    const joined2 = cat([context2, resizeMaps(features3, sizeOf(f2))], 1)
    const [, s2] = this.#cat2.forward(joined2, guidance)
    return {
      masks: [semantic, s4, s3, s2].map((map) => resizeMaps(map, sizeOf(x))),
      boundary: resizeMaps(boundary, sizeOf(x)),
    }
  }
}
