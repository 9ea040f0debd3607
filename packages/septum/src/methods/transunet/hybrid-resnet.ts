import { F, nn, scope, type Tensor } from '@septum/torch'
import { WeightStandardConv2d } from '../../blocks/weight-standard-conv.js'

const EPS = 1e-6

/** 32 groups as published; fewer where narrower networks have no 32 of them. */
function groups(channels: number): number {
  let count = Math.min(32, channels)
  while (channels % count !== 0) count--
  return count
}

const groupNorm = (channels: number) => new nn.GroupNorm(groups(channels), channels, { eps: EPS })

class Root extends nn.Module {
  readonly conv: WeightStandardConv2d
  readonly gn: nn.GroupNorm

  constructor(width: number) {
    super()
    this.conv = new WeightStandardConv2d(3, width, 7, { stride: 2 })
    this.gn = groupNorm(width)
  }

  /** @param x [N, 3, H, W] @returns [N, width, H / 2, W / 2] */
  forward(x: Tensor): Tensor {
    return this.gn.forward(this.conv.forward(x)).relu_()
  }
}

/**
 * 1x1, 3x3 and 1x1 convolutions around a shortcut. The activation comes after the sum: the name that the release
 * gives it, "pre-activation", is not what it or the published weights do.
 */
class Bottleneck extends nn.Module {
  readonly gn1: nn.GroupNorm
  readonly conv1: WeightStandardConv2d
  readonly gn2: nn.GroupNorm
  readonly conv2: WeightStandardConv2d
  readonly gn3: nn.GroupNorm
  readonly conv3: WeightStandardConv2d
  readonly downsample: WeightStandardConv2d | null
  readonly gn_proj: nn.GroupNorm | null

  constructor(inChannels: number, outChannels: number, inner: number, stride: number) {
    super()
    this.gn1 = groupNorm(inner)
    this.conv1 = new WeightStandardConv2d(inChannels, inner, 1)
    this.gn2 = groupNorm(inner)
    this.conv2 = new WeightStandardConv2d(inner, inner, 3, { stride })
    this.gn3 = groupNorm(outChannels)
    this.conv3 = new WeightStandardConv2d(inner, outChannels, 1)
    const projects = stride !== 1 || inChannels !== outChannels
    this.downsample = projects ? new WeightStandardConv2d(inChannels, outChannels, 1, { stride }) : null
    // As released: each channel is a group of its own here, and eps is PyTorch's default.
    this.gn_proj = projects ? new nn.GroupNorm(outChannels, outChannels) : null
  }

  /** @param x [N, in, H, W] @returns [N, out, H / stride, W / stride] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const first = this.gn1.forward(this.conv1.forward(x)).relu_()
      const second = this.gn2.forward(this.conv2.forward(first)).relu_()
      const residual = this.gn3.forward(this.conv3.forward(second))
      return this.#shortcut(x).add(residual).relu_()
    })
  }

  #shortcut(x: Tensor): Tensor {
    return this.downsample && this.gn_proj ? this.gn_proj.forward(this.downsample.forward(x)) : x
  }
}

/** Bottlenecks `unit1`, `unit2`, ... */
class Stage extends nn.Module {
  readonly #units: readonly Bottleneck[]

  constructor(inChannels: number, outChannels: number, units: number, stride: number) {
    super()
    this.#units = Array.from(
      { length: units },
      (_, i) =>
        new Bottleneck(
          i === 0 ? inChannels : outChannels,
          outChannels,
          outChannels / 4,
          i === 0 ? stride : 1,
        ),
    )
  }

  override *children(): Generator<[string, nn.Module]> {
    for (const [i, unit] of this.#units.entries()) yield [`unit${i + 1}`, unit]
  }

  forward(x: Tensor): Tensor {
    return this.#units.reduce((t, unit) => unit.forward(t), x)
  }
}

class Body extends nn.Module {
  readonly block1: Stage
  readonly block2: Stage
  readonly block3: Stage

  constructor(width: number, [first, second, third]: readonly [number, number, number]) {
    super()
    this.block1 = new Stage(width, 4 * width, first, 1)
    this.block2 = new Stage(4 * width, 8 * width, second, 2)
    this.block3 = new Stage(8 * width, 16 * width, third, 2)
  }
}

/** The convolutional part of ViT's hybrid R50+ViT (ResNet-50 with its last stage moved away), as TransUNet has it. */
export class HybridResNet extends nn.Module {
  readonly root: Root
  readonly body: Body

  constructor(width: number, units: readonly number[]) {
    super()
    this.root = new Root(width)
    this.body = new Body(width, [units[0]!, units[1]!, units[2]!])
  }

  /**
   * @param x [N, 3, H, W], H and W multiples of 16
   * @returns the map at stride 16 [N, 16 width, H / 16, W / 16] and the skips at strides 8, 4 and 2
   */
  forward(x: Tensor): { map: Tensor; skips: readonly [Tensor, Tensor, Tensor] } {
    const { block1, block2, block3 } = this.body
    const [h, w] = x.shape.slice(2) as [number, number]
    const stem = this.root.forward(x)
    // The pool does not pad, so that this stage is a row and a column short of a quarter.
    const quarter = block1.forward(F.maxPool2d(stem, 3, { stride: 2 }))
    const eighth = block2.forward(quarter)
    return {
      map: block3.forward(eighth),
      skips: [padTo(eighth, h / 8, w / 8), padTo(quarter, h / 4, w / 4), stem],
    }
  }
}

/** Zero rows and columns at the far ends. */
function padTo(x: Tensor, height: number, width: number): Tensor {
  const [rows, columns] = [height - x.size(2), width - x.size(3)]
  return rows === 0 && columns === 0 ? x : F.pad(x, [0, columns, 0, rows])
}
