import { F, nn, operator, scope, type Tensor } from '@septum/torch'
import {
  Backbone,
  type BackboneOptions,
  type FeatureChannels,
  type Features,
  four,
  type PixelScale,
} from './backbone.js'
import { convNorm, initialiseLikeTorchvision } from './conv-norm.js'

/** Expansion, width, blocks and stride of each stage (Sandler et al. 2018, table 2). */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const
/** Blocks whose output is the last at strides 2, 4, 8, 16, 32. */
const TAPS = [1, 3, 6, 13, 17]

// Unlike clamp_, it keeps its result for the gradient and not a copy of its input.
const relu6InPlace = operator('aten::hardtanh_')

/** Nearest multiple of 8, never more than a tenth below: MobileNet's rule for scaled widths. */
function widthOf(channels: number, factor: number): number {
  const wanted = channels * factor
  const near = Math.max(8, Math.floor((wanted + 4) / 8) * 8)
  return near < 0.9 * wanted ? near + 8 : near
}

/**
 * TensorFlow pads a stride-2 convolution of an even side at its end only; PyTorch pads both ends. Weights work with
 * the padding that they were trained with.
 */
type Padding = 'tensorflow' | 'torchvision'

/** Convolution, batch norm, ReLU6, named `0` and `1`. */
class ConvNormReLU6 extends nn.Module {
  readonly #conv: nn.Conv2d
  readonly #norm: nn.BatchNorm2d
  readonly #uneven: boolean

  constructor(
    inChannels: number,
    outChannels: number,
    { kernel = 3, stride = 1, groups = 1, padding = 'torchvision' as Padding } = {},
  ) {
    super()
    this.#uneven = stride === 2 && padding === 'tensorflow'
    const own = this.#uneven ? 0 : (kernel - 1) / 2
    this.#conv = new nn.Conv2d(inChannels, outChannels, kernel, { stride, padding: own, groups, bias: false })
    this.#norm = new nn.BatchNorm2d(outChannels)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#conv]
    yield ['1', this.#norm]
  }

  forward(x: Tensor): Tensor {
    const [h, w] = x.shape.slice(2) as [number, number]
    const input = this.#uneven ? F.pad(x, [w % 2, 1, h % 2, 1]) : x
    return relu6InPlace.one(convNorm(this.#conv, this.#norm, input), 0, 6)
  }
}

/** `conv` of a block: layers 0, 1, ... of which the last two are the projection and its batch norm. */
class BlockLayers extends nn.Module {
  readonly #spatial: ConvNormReLU6[]
  readonly #project: nn.Conv2d
  readonly #norm: nn.BatchNorm2d

  constructor(inChannels: number, outChannels: number, stride: number, expansion: number, padding: Padding) {
    super()
    const inner = inChannels * expansion
    const expand = expansion === 1 ? [] : [new ConvNormReLU6(inChannels, inner, { kernel: 1 })]
    this.#spatial = [...expand, new ConvNormReLU6(inner, inner, { stride, groups: inner, padding })]
    this.#project = new nn.Conv2d(inner, outChannels, 1, { bias: false })
    this.#norm = new nn.BatchNorm2d(outChannels)
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [i, layer] of [...this.#spatial, this.#project, this.#norm].entries()) yield [String(i), layer]
  }

  forward(x: Tensor): Tensor {
    const inner = this.#spatial.reduce((y, layer) => layer.forward(y), x)
    return convNorm(this.#project, this.#norm, inner)
  }
}

/** Expands, filters each channel, projects without an activation; adds its input where the shapes allow it. */
class InvertedResidual extends nn.Module {
  readonly conv: BlockLayers
  readonly #residual: boolean

  constructor(inChannels: number, outChannels: number, stride: number, expansion: number, padding: Padding) {
    super()
    this.conv = new BlockLayers(inChannels, outChannels, stride, expansion, padding)
    this.#residual = stride === 1 && inChannels === outChannels
  }

  forward(x: Tensor): Tensor {
    return scope(() => {
      const y = this.conv.forward(x)
      return this.#residual ? y.add_(x) : y
    })
  }
}

export interface MobileNetOptions extends BackboneOptions {
  /** Default: that of the weights in `models/mobilenet-v2-imagenet`, `tensorflow`. */
  readonly padding?: Padding
}

/**
 * MobileNetV2 (Sandler et al. 2018) up to its last block, with torchvision's names. Its default padding and pixel
 * range are those of the weights that come with the project; `padding: 'torchvision'` takes torchvision's.
 */
export class MobileNetV2 extends Backbone {
  readonly channels: FeatureChannels
  override readonly input: PixelScale
  readonly features: nn.Module[]

  constructor({ width = 1, padding = 'tensorflow' }: MobileNetOptions = {}) {
    super(padding === 'tensorflow' ? 'mobilenet-v2' : 'mobilenet-v2-torchvision')
    let inChannels = widthOf(32, width)
    const widths: number[] = [inChannels]
    this.features = [new ConvNormReLU6(3, inChannels, { stride: 2, padding })]
    for (const [expansion, channels, count, stride] of STAGES) {
      const out = widthOf(channels, width)
      for (let i = 0; i < count; i++) {
        this.features.push(new InvertedResidual(inChannels, out, i === 0 ? stride : 1, expansion, padding))
        inChannels = out
        widths.push(out)
      }
    }
    const [stride2, ...levels] = TAPS.map((at) => widths[at]!)
    this.channels = { stride2: stride2!, stem: null, levels: four(levels) }
    // (v - 0.5) / 0.5 is v 2 - 1, the range [-1, 1].
    const tf: PixelScale = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }
    this.input = padding === 'tensorflow' ? tf : { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
    initialiseLikeTorchvision(this)
  }

  override forward(x: Tensor): Features {
    let features = x
    const taken: Tensor[] = []
    for (const [i, block] of this.features.entries()) {
      features = (block as InvertedResidual).forward(features)
      if (TAPS.includes(i)) taken.push(features)
    }
    const [stride2, ...levels] = taken
    return { stride2: stride2!, stem: null, levels: four(levels) }
  }

  override unused(name: string): boolean {
    return name.startsWith('classifier.') || name.startsWith('features.18.')
  }
}
