import { cat, nn, scope, type Tensor } from '@septum/torch'

interface LayerOptions {
  readonly dilation?: number
  readonly groups?: number
  readonly activates?: boolean
}

/** Convolution that keeps the size, batch norm and, unless told otherwise, a ReLU with one trained slope. */
class Layer extends nn.Module {
  readonly conv: nn.Conv2d
  readonly bn: nn.BatchNorm2d
  readonly relu: nn.PReLU | null

  constructor(inChannels: number, outChannels: number, kernel: number, options: LayerOptions = {}) {
    super()
    const { dilation = 1, groups = 1, activates = true } = options
    const padding = ((kernel - 1) / 2) * dilation
    this.conv = new nn.Conv2d(inChannels, outChannels, kernel, { dilation, padding, groups, bias: false })
    this.bn = new nn.BatchNorm2d(outChannels, { momentum: 0.01 })
    this.relu = activates ? new nn.PReLU() : null
  }

  forward(x: Tensor): Tensor {
    const y = this.bn.forward(this.conv.forward(x))
    return this.relu ? this.relu.forward(y) : y
  }
}

/** A factor in [0, 1] for each channel, by a hard sigmoid. */
class HardGate extends nn.Module {
  readonly fc: nn.Sequential

  constructor(channels: number) {
    super()
    const inner = Math.max(1, Math.floor(channels / 4))
    this.fc = new nn.Sequential(
      new nn.Linear(channels, inner),
      new nn.ReLU(),
      new nn.Linear(inner, channels),
      new nn.Hardsigmoid(),
    )
  }

  forward(x: Tensor): Tensor {
    return x.mul(
      this.fc
        .forward(x.mean([2, 3]))
        .unsqueeze(2)
        .unsqueeze(3),
    )
  }
}

/** Receptive-field block of depthwise and pointwise convolutions, with the release's names. */
export class LightRfb extends nn.Module {
  readonly global_se: HardGate
  readonly reduce: nn.Sequential
  readonly br0: nn.Sequential
  readonly br1: nn.Sequential
  readonly br2: nn.Sequential
  readonly br3: nn.Sequential
  readonly point_global: Layer

  /** @param channels between the first convolution and the last */
  constructor(inChannels: number, channels: number, outChannels: number) {
    super()
    this.global_se = new HardGate(inChannels)
    this.reduce = new nn.Sequential(
      new nn.Conv2d(inChannels, channels, 1, { bias: false }),
      new nn.BatchNorm2d(channels),
      new nn.PReLU(channels),
    )
    const still = { groups: channels, activates: false }
    const point = () => new Layer(channels, channels, 1)
    const dilated = (dilation: number) => new Layer(channels, channels, 3, { ...still, dilation })
    const branch = (kernel: number, dilation: number) =>
      new nn.Sequential(new Layer(channels, channels, kernel, still), point(), dilated(dilation))
    this.br0 = new nn.Sequential(point(), dilated(1))
    this.br1 = branch(3, 3)
    this.br2 = branch(5, 5)
    this.br3 = branch(7, 7)
    this.point_global = new Layer(4 * channels + inChannels, outChannels, 1)
  }

  /** @param x [N, in, H, W] @returns [N, out, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const reduced = this.reduce.forward(this.global_se.forward(x))
      const branches = [this.br0, this.br1, this.br2, this.br3].map((branch) => branch.forward(reduced))
      return this.point_global.forward(cat([x, ...branches], 1))
    })
  }
}

/** Two halves of the channels with dilations 1 and 2. */
class SplitConv extends nn.Module {
  readonly conv0: nn.Conv2d
  readonly conv1: nn.Conv2d
  readonly conv2: nn.Conv2d
  readonly bn: nn.BatchNorm2d

  constructor(inChannels: number, outChannels: number) {
    super()
    const half = outChannels / 2
    const conv = (i: number, o: number, kernel: number, dilation: number) =>
      new nn.Conv2d(i, o, kernel, { padding: ((kernel - 1) / 2) * dilation, dilation, bias: false })
    this.conv0 = conv(inChannels, outChannels, 1, 1)
    this.conv1 = conv(half, half, 3, 1)
    this.conv2 = conv(half, half, 3, 2)
    this.bn = new nn.BatchNorm2d(outChannels)
  }

  forward(x: Tensor): Tensor {
    const [near, far] = this.conv0.forward(x).chunk(2, 1) as [Tensor, Tensor]
    return this.bn.forward(cat([this.conv1.forward(near), this.conv2.forward(far)], 1))
  }
}

/** Joins the maps at strides 16 and 8. */
export class FusionDecoder extends nn.Module {
  readonly up2_high: SplitConv
  readonly up2_low: nn.Conv2d
  readonly up2_bn2: nn.BatchNorm2d
  readonly up2_act: nn.PReLU
  readonly refine: nn.Sequential

  constructor(low: number, high: number, channels: number) {
    super()
    this.up2_high = new SplitConv(high, channels)
    this.up2_low = new nn.Conv2d(low, channels, 1, { bias: false })
    this.up2_bn2 = new nn.BatchNorm2d(channels)
    this.up2_act = new nn.PReLU(channels)
    this.refine = new nn.Sequential(
      new nn.Conv2d(channels, channels, 3, { padding: 1, bias: false }),
      new nn.BatchNorm2d(channels),
      new nn.PReLU(),
    )
  }

  /** @param low [N, low, H, W] @param high [N, high, H, W] @returns [N, channels, H, W] */
  forward(low: Tensor, high: Tensor): Tensor {
    return scope(() => {
      const sum = this.up2_high.forward(high).add(this.up2_bn2.forward(this.up2_low.forward(low)))
      return this.refine.forward(this.up2_act.forward(sum))
    })
  }
}
