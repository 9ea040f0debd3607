import { nn, type Tensor } from '@septum/torch'

/** Bias-free convolution without a norm, named `0` as in a sequence. */
export class PlainConv extends nn.Module {
  readonly #conv: nn.Conv2d

  constructor(
    inChannels: number,
    outChannels: number,
    kernel: number,
    private readonly relu: boolean,
  ) {
    super()
    this.#conv = new nn.Conv2d(inChannels, outChannels, kernel, { padding: (kernel - 1) / 2, bias: false })
  }

  override *children(): Generator<[string, nn.Module]> {
    yield ['0', this.#conv]
  }

  forward(x: Tensor): Tensor {
    const y = this.#conv.forward(x)
    return this.relu ? y.relu_() : y
  }
}

/** Boundary-aware unit: one boundary map from the shallowest level. */
export class BoundaryUnit extends nn.Module {
  readonly conv_1: PlainConv
  readonly conv_2: PlainConv
  readonly conv_3: PlainConv

  constructor(inChannels: number, width: number) {
    super()
    this.conv_1 = new PlainConv(inChannels, width, 1, true)
    this.conv_2 = new PlainConv(width, width, 3, true)
    this.conv_3 = new PlainConv(width, 1, 1, false)
  }

  /** @param x [N, in, H, W] @returns logits [N, 1, H, W] */
  forward(x: Tensor): Tensor {
    return this.conv_3.forward(this.conv_2.forward(this.conv_1.forward(x)))
  }
}
