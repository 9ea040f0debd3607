import { F, nn, scope, type Tensor } from '@septum/torch'
import {
  Backbone,
  type BackboneOptions,
  type FeatureChannels,
  type Features,
  four,
  scaledWidth,
} from './backbone.js'
import { convNorm, initialiseLikeTorchvision } from './conv-norm.js'

/** Convolution and batch norm of a shortcut, named `0` and `1`. */
class Shortcut extends nn.Module {
  readonly #conv: nn.Conv2d
  readonly #norm: nn.BatchNorm2d

  constructor(inChannels: number, outChannels: number, stride: number) {
    super()
    this.#conv = new nn.Conv2d(inChannels, outChannels, 1, { stride, bias: false })
    this.#norm = new nn.BatchNorm2d(outChannels)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#conv]
    yield ['1', this.#norm]
  }

  forward(x: Tensor): Tensor {
    return convNorm(this.#conv, this.#norm, x)
  }
}

interface Block extends nn.Module {
  forward(x: Tensor): Tensor
}

type BlockClass = {
  /** Output channels of a block for each of its inner ones. */
  readonly expansion: number
  new (inChannels: number, width: number, stride: number): Block
}

const shortcutFor = (inChannels: number, outChannels: number, stride: number) =>
  stride === 1 && inChannels === outChannels ? null : new Shortcut(inChannels, outChannels, stride)

/** Two 3x3 convolutions around a shortcut (ResNet-18 and 34). */
class BasicBlock extends nn.Module implements Block {
  static readonly expansion = 1
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly bn2: nn.BatchNorm2d
  readonly downsample: Shortcut | null

  constructor(inChannels: number, width: number, stride: number) {
    super()
    this.conv1 = new nn.Conv2d(inChannels, width, 3, { stride, padding: 1, bias: false })
    this.bn1 = new nn.BatchNorm2d(width)
    this.conv2 = new nn.Conv2d(width, width, 3, { padding: 1, bias: false })
    this.bn2 = new nn.BatchNorm2d(width)
    this.downsample = shortcutFor(inChannels, width, stride)
  }

  forward(x: Tensor): Tensor {
    return scope(() => {
      const inner = convNorm(this.conv1, this.bn1, x).relu_()
      const residual = convNorm(this.conv2, this.bn2, inner)
      return residual.add_(this.downsample ? this.downsample.forward(x) : x).relu_()
    })
  }
}

/** 1x1, 3x3 and 1x1 convolutions around a shortcut (ResNet-50); the 3x3 one strides, as in torchvision. */
class Bottleneck extends nn.Module implements Block {
  static readonly expansion = 4
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly conv2: nn.Conv2d
  readonly bn2: nn.BatchNorm2d
  readonly conv3: nn.Conv2d
  readonly bn3: nn.BatchNorm2d
  readonly downsample: Shortcut | null

  constructor(inChannels: number, width: number, stride: number) {
    super()
    this.conv1 = new nn.Conv2d(inChannels, width, 1, { bias: false })
    this.bn1 = new nn.BatchNorm2d(width)
    this.conv2 = new nn.Conv2d(width, width, 3, { stride, padding: 1, bias: false })
    this.bn2 = new nn.BatchNorm2d(width)
    this.conv3 = new nn.Conv2d(width, 4 * width, 1, { bias: false })
    this.bn3 = new nn.BatchNorm2d(4 * width)
    this.downsample = shortcutFor(inChannels, 4 * width, stride)
  }

  forward(x: Tensor): Tensor {
    return scope(() => {
      const reduced = convNorm(this.conv1, this.bn1, x).relu_()
      const inner = convNorm(this.conv2, this.bn2, reduced).relu_()
      const residual = convNorm(this.conv3, this.bn3, inner)
      return residual.add_(this.downsample ? this.downsample.forward(x) : x).relu_()
    })
  }
}

const kinds = {
  resnet18: { block: BasicBlock as BlockClass, depths: [2, 2, 2, 2] },
  resnet34: { block: BasicBlock as BlockClass, depths: [3, 4, 6, 3] },
  resnet50: { block: Bottleneck as BlockClass, depths: [3, 4, 6, 3] },
} as const

/** ResNet (He et al. 2016) with torchvision's names and, for ResNet-50, its place of the stride. */
export class ResNet extends Backbone {
  readonly channels: FeatureChannels
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly layer1: Block[]
  readonly layer2: Block[]
  readonly layer3: Block[]
  readonly layer4: Block[]
  readonly fc: nn.Linear | null

  constructor(kind: keyof typeof kinds, { width = 1, classes }: BackboneOptions = {}) {
    super(kind)
    const { block: Block, depths } = kinds[kind]
    const widths = [64, 128, 256, 512].map((w) => scaledWidth(w, width))
    let inChannels = widths[0]!
    this.conv1 = new nn.Conv2d(3, inChannels, 7, { stride: 2, padding: 3, bias: false })
    this.bn1 = new nn.BatchNorm2d(inChannels)
    const stages = widths.map((w, stage) =>
      Array.from({ length: depths[stage]! }, (_, i) => {
        const made = new Block(inChannels, w, i === 0 && stage > 0 ? 2 : 1)
        inChannels = w * Block.expansion
        return made
      }),
    )
    ;[this.layer1, this.layer2, this.layer3, this.layer4] = stages as [Block[], Block[], Block[], Block[]]
    this.fc = classes === undefined ? null : new nn.Linear(inChannels, classes)
    this.channels = {
      stride2: widths[0]!,
      stem: widths[0]!,
      levels: four(widths.map((w) => w * Block.expansion)),
    }
    initialiseLikeTorchvision(this)
  }

  override forward(x: Tensor): Features {
    const stride2 = convNorm(this.conv1, this.bn1, x).relu_()
    const stem = F.maxPool2d(stride2, 3, { stride: 2, padding: 1 })
    let features = stem
    const levels = [this.layer1, this.layer2, this.layer3, this.layer4].map((blocks) => {
      features = scope(() => blocks.reduce((y, block) => block.forward(y), features))
      return features
    })
    return { stride2, stem, levels: four(levels) }
  }

  override unused(name: string): boolean {
    return this.fc === null && name.startsWith('fc.')
  }
}
