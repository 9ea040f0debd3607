import { F, full, nn, parameter, scope, type Tensor, zeros } from '@septum/torch'
import {
  Backbone,
  type BackboneOptions,
  type FeatureChannels,
  type Features,
  four,
  scaledWidth,
} from './backbone.js'
import { dropPath, dropPathRates } from './drop-path.js'

const EPS = 1e-6
/** Start of the factor on each block's residual; 0 would leave it untrained for long, 1 is too much for deep nets. */
const LAYER_SCALE = 1e-6

/** Layer norm over the channels of a map [N, C, H, W]. */
class ChannelNorm extends nn.LayerNorm {
  constructor(channels: number) {
    super(channels, { eps: EPS })
  }

  override forward(x: Tensor): Tensor {
    // A channels-last map is [N, H, W, C] in memory, so that neither permutation copies.
    return super.forward(x.permute([0, 2, 3, 1])).permute([0, 3, 1, 2])
  }
}

/** Response of each channel relative to the others of its image (ConvNeXt V2): x (1 + weight n(x)) + bias. */
class ResponseNorm extends nn.Module {
  weight: Tensor
  bias: Tensor

  constructor(channels: number) {
    super()
    this.weight = parameter(zeros([channels]))
    this.bias = parameter(zeros([channels]))
  }

  /** @param x [N, H, W, C] */
  forward(x: Tensor): Tensor {
    const energy = x.norm(2, [1, 2], true) // [N, 1, 1, C]
    const relative = energy.div(energy.mean(-1, true).add(EPS))
    return x.mul(relative).mul(this.weight).add(this.bias).add(x)
  }
}

class Mlp extends nn.Module {
  readonly fc1: nn.Linear
  readonly grn: ResponseNorm | null
  readonly fc2: nn.Linear

  constructor(channels: number, version: 1 | 2) {
    super()
    this.fc1 = new nn.Linear(channels, 4 * channels)
    this.grn = version === 2 ? new ResponseNorm(4 * channels) : null
    this.fc2 = new nn.Linear(4 * channels, channels)
  }

  forward(x: Tensor): Tensor {
    const inner = F.gelu(this.fc1.forward(x))
    return this.fc2.forward(this.grn ? this.grn.forward(inner) : inner)
  }
}

/** Depthwise 7x7 convolution, layer norm, two linear layers with GELU, around a shortcut. */
class Block extends nn.Module {
  readonly conv_dw: nn.Conv2d
  readonly norm: nn.LayerNorm
  readonly mlp: Mlp
  readonly gamma: Tensor | null

  constructor(
    channels: number,
    version: 1 | 2,
    private readonly dropRate: number,
  ) {
    super()
    this.conv_dw = new nn.Conv2d(channels, channels, 7, { padding: 3, groups: channels })
    this.norm = new nn.LayerNorm(channels, { eps: EPS })
    this.mlp = new Mlp(channels, version)
    this.gamma = version === 1 ? parameter(full([channels], LAYER_SCALE)) : null
  }

  /** @param x [N, C, H, W] @returns the same shape */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const filtered = this.conv_dw.forward(x).permute([0, 2, 3, 1]) // [N, H, W, C]
      const inner = this.mlp.forward(this.norm.forward(filtered))
      const residual = this.gamma ? inner.mul(this.gamma) : inner
      return x.add(dropPath(residual, this.dropRate, this.training).permute([0, 3, 1, 2]))
    })
  }
}

/** Blocks of one size after the step to it (layer norm, 2x2 convolution of stride 2). */
class Stage extends nn.Module {
  readonly downsample: nn.Sequential | null
  readonly blocks: Block[]

  constructor(
    inChannels: number,
    channels: number,
    first: boolean,
    version: 1 | 2,
    dropRates: readonly number[],
  ) {
    super()
    this.downsample = first
      ? null
      : new nn.Sequential(new ChannelNorm(inChannels), new nn.Conv2d(inChannels, channels, 2, { stride: 2 }))
    this.blocks = dropRates.map((rate) => new Block(channels, version, rate))
  }

  forward(x: Tensor): Tensor {
    const smaller = this.downsample ? this.downsample.forward(evenSides(x, 2)) : x
    return this.blocks.reduce((features, block) => block.forward(features), smaller)
  }
}

/** Repeats the last row and column until the sides are multiples of `m`: 2x2 convolutions would drop them. */
function evenSides(x: Tensor, m: number): Tensor {
  const [h, w] = x.shape.slice(2) as [number, number]
  const [below, right] = [(m - (h % m)) % m, (m - (w % m)) % m]
  return below + right === 0 ? x : F.pad(x, [0, right, 0, below], 'replicate')
}

const kinds = {
  'convnext-t': { depths: [3, 3, 9, 3], widths: [96, 192, 384, 768], version: 1 },
  'convnext-b': { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024], version: 1 },
  'convnextv2-b': { depths: [3, 3, 27, 3], widths: [128, 256, 512, 1024], version: 2 },
} as const

class Head extends nn.Module {
  readonly norm: nn.LayerNorm
  readonly fc: nn.Linear

  constructor(channels: number, classes: number) {
    super()
    this.norm = new nn.LayerNorm(channels, { eps: EPS })
    this.fc = new nn.Linear(channels, classes)
  }
}

/** ConvNeXt (Liu et al. 2022) and V2 (Woo et al. 2023) with timm's names. */
export class ConvNeXt extends Backbone {
  readonly channels: FeatureChannels
  readonly stem: nn.Sequential
  readonly stages: Stage[]
  readonly head: Head | null

  constructor(kind: keyof typeof kinds, { width = 1, classes, dropPath: rate = 0 }: BackboneOptions = {}) {
    super(kind)
    const { depths, version } = kinds[kind]
    const widths = kinds[kind].widths.map((w) => scaledWidth(w, width))
    const first = widths[0]!
    this.stem = new nn.Sequential(new nn.Conv2d(3, first, 4, { stride: 4 }), new ChannelNorm(first))
    const rates = dropPathRates(
      rate,
      depths.reduce((a, b) => a + b, 0),
    )
    let before = 0
    this.stages = widths.map((w, i) => {
      const own = rates.slice(before, before + depths[i]!)
      before += own.length
      return new Stage(widths[Math.max(0, i - 1)]!, w, i === 0, version, own)
    })
    this.head = classes === undefined ? null : new Head(widths.at(-1)!, classes)
    this.channels = { stride2: null, stem: null, levels: four(widths) }
    this.apply((part) => {
      if (!(part instanceof nn.Conv2d || part instanceof nn.Linear)) return
      nn.init.truncNormal_(part.weight, { std: 0.02 })
      if (part.bias) nn.init.zeros_(part.bias)
    })
  }

  override forward(x: Tensor): Features {
    let features = this.stem.forward(evenSides(x, 4))
    const levels = this.stages.map((stage) => {
      features = stage.forward(features)
      return features
    })
    return { stride2: null, stem: null, levels: four(levels) }
  }

  override unused(name: string): boolean {
    return this.head === null && name.startsWith('head.')
  }
}
