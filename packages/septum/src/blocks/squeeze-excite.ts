import { nn, scope, type Tensor } from '@septum/torch'

/** A factor in [0, 1] for each channel, from the means of all channels (Hu et al. 2018); layers `fc.0` and `fc.2`. */
export class SqueezeExcite extends nn.Module {
  readonly fc: nn.Sequential

  constructor(channels: number, ratio = 16) {
    super()
    const inner = Math.max(1, Math.floor(channels / ratio))
    this.fc = new nn.Sequential(
      new nn.Linear(channels, inner, { bias: false }),
      new nn.ReLU(),
      new nn.Linear(inner, channels, { bias: false }),
      new nn.Sigmoid(),
    )
  }

  /** @param x [N, C, H, W] @returns [N, C, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const [n, c] = x.shape as [number, number]
      return x.mul(this.fc.forward(x.mean([2, 3])).view([n, c, 1, 1]))
    })
  }
}
