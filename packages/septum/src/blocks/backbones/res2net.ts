import { cat, F, nn, scope, type Tensor } from '@septum/torch'
import {
  Backbone,
  type BackboneOptions,
  type FeatureChannels,
  type Features,
  four,
  scaledWidth,
} from './backbone.js'
import { convNorm, initialiseLikeTorchvision } from './conv-norm.js'

const SPLITS = 4
const bare = (inChannels: number, outChannels: number, kernel: number, stride = 1): nn.Conv2d =>
  new nn.Conv2d(inChannels, outChannels, kernel, { stride, padding: (kernel - 1) / 2, bias: false })

/** Three 3x3 convolutions in place of the stem's 7x7 one (version b): `conv1` of the network, indices 0 to 6. */
class DeepStem extends nn.Module {
  readonly #first: nn.Conv2d
  readonly #norm1: nn.BatchNorm2d
  readonly #second: nn.Conv2d
  readonly #norm2: nn.BatchNorm2d
  readonly last: nn.Conv2d

  constructor(width: number) {
    super()
    this.#first = bare(3, width / 2, 3, 2)
    this.#norm1 = new nn.BatchNorm2d(width / 2)
    this.#second = bare(width / 2, width / 2, 3)
    this.#norm2 = new nn.BatchNorm2d(width / 2)
    this.last = bare(width / 2, width, 3)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#first]
    yield ['1', this.#norm1]
    yield ['3', this.#second]
    yield ['4', this.#norm2]
    yield ['6', this.last]
  }

  /** @returns the input of the last convolution, [N, width / 2, H / 2, W / 2] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const first = convNorm(this.#first, this.#norm1, x).relu_()
      return convNorm(this.#second, this.#norm2, first).relu_()
    })
  }
}

/** Mean over the stride, 1x1 convolution, batch norm; the mean keeps index 0 also where it does nothing. */
class PooledShortcut extends nn.Module {
  readonly #conv: nn.Conv2d
  readonly #norm: nn.BatchNorm2d

  constructor(
    inChannels: number,
    outChannels: number,
    private readonly stride: number,
  ) {
    super()
    this.#conv = bare(inChannels, outChannels, 1)
    this.#norm = new nn.BatchNorm2d(outChannels)
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['1', this.#conv]
    yield ['2', this.#norm]
  }

  forward(x: Tensor): Tensor {
    const { stride } = this
    const smaller = stride === 1 ? x : F.avgPool2d(x, stride, { ceilMode: true, countIncludePad: false })
    return convNorm(this.#conv, this.#norm, smaller)
  }
}

/**
 * Bottleneck whose 3x3 convolution works on four groups of channels, each after the first also on the result of
 * the one before (Gao et al. 2021). The first block of a stage leaves that hierarchy out and averages its last group.
 */
class Bottle2neck extends nn.Module {
  readonly conv1: nn.Conv2d
  readonly bn1: nn.BatchNorm2d
  readonly convs: nn.Conv2d[]
  readonly bns: nn.BatchNorm2d[]
  readonly conv3: nn.Conv2d
  readonly bn3: nn.BatchNorm2d
  readonly downsample: PooledShortcut | null

  constructor(
    inChannels: number,
    planes: number,
    private readonly stride: number,
    private readonly first: boolean,
  ) {
    super()
    const split = Math.floor((planes * 26) / 64)
    this.conv1 = bare(inChannels, split * SPLITS, 1)
    this.bn1 = new nn.BatchNorm2d(split * SPLITS)
    this.convs = Array.from({ length: SPLITS - 1 }, () => bare(split, split, 3, stride))
    this.bns = this.convs.map(() => new nn.BatchNorm2d(split))
    this.conv3 = bare(split * SPLITS, planes * 4, 1)
    this.bn3 = new nn.BatchNorm2d(planes * 4)
    this.downsample = first ? new PooledShortcut(inChannels, planes * 4, stride) : null
  }

  /** @param x [N, in, H, W] @returns [N, 4 planes, H / stride, W / stride] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const groups = convNorm(this.conv1, this.bn1, x).relu_().chunk(SPLITS, 1)
      const done: Tensor[] = []
      for (const [i, conv] of this.convs.entries()) {
        const input = this.first || i === 0 ? groups[i]! : groups[i]!.add(done[i - 1]!)
        done.push(convNorm(conv, this.bns[i]!, input).relu_())
      }
      const last = groups[SPLITS - 1]!
      done.push(this.first ? F.avgPool2d(last, 3, { stride: this.stride, padding: 1 }) : last)
      const residual = convNorm(this.conv3, this.bn3, cat(done, 1))
      return residual.add_(this.downsample ? this.downsample.forward(x) : x).relu_()
    })
  }
}

/** Res2Net-50 v1b, 26 channels in each of 4 splits: 25,718,352 parameters with its classifier of 1000. */
export class Res2Net50 extends Backbone {
  readonly channels: FeatureChannels
  readonly conv1: DeepStem
  readonly bn1: nn.BatchNorm2d
  readonly layer1: Bottle2neck[]
  readonly layer2: Bottle2neck[]
  readonly layer3: Bottle2neck[]
  readonly layer4: Bottle2neck[]
  readonly fc: nn.Linear | null

  constructor({ width = 1, classes }: BackboneOptions = {}) {
    super('res2net50')
    const planes = [64, 128, 256, 512].map((w) => scaledWidth(w, width))
    const stem = planes[0]!
    this.conv1 = new DeepStem(stem)
    this.bn1 = new nn.BatchNorm2d(stem)
    let inChannels = stem
    const stages = planes.map((w, stage) =>
      Array.from({ length: [3, 4, 6, 3][stage]! }, (_, i) => {
        const made = new Bottle2neck(inChannels, w, i === 0 && stage > 0 ? 2 : 1, i === 0)
        inChannels = 4 * w
        return made
      }),
    )
    type Stage = Bottle2neck[]
    ;[this.layer1, this.layer2, this.layer3, this.layer4] = stages as [Stage, Stage, Stage, Stage]
    this.fc = classes === undefined ? null : new nn.Linear(inChannels, classes)
    this.channels = { stride2: stem, stem, levels: four(planes.map((w) => 4 * w)) }
    initialiseLikeTorchvision(this)
  }

  override forward(x: Tensor): Features {
    const { stride2, stem, levels } = this.upTo(4, x)
    return { stride2, stem, levels: four(levels) }
  }

  /** The first `count` levels alone, for networks that have no use for the others. */
  upTo(count: number, x: Tensor): { stride2: Tensor; stem: Tensor; levels: Tensor[] } {
    const stride2 = scope(() => convNorm(this.conv1.last, this.bn1, this.conv1.forward(x)).relu_())
    const stem = F.maxPool2d(stride2, 3, { stride: 2, padding: 1 })
    let features = stem
    const levels = [this.layer1, this.layer2, this.layer3, this.layer4].slice(0, count).map((blocks) => {
      features = scope(() => blocks.reduce((y, block) => block.forward(y), features))
      return features
    })
    return { stride2, stem, levels }
  }

  override unused(name: string): boolean {
    return this.fc === null && name.startsWith('fc.')
  }
}
