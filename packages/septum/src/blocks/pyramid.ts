import { F, nn, scope, type Tensor } from '@septum/torch'
import { groupNorm, normSilu, ResidualBlock, SpatialAttention } from './residual.js'

export interface PyramidOptions {
  /** Width of each level, fine to coarse; the size halves between levels. */
  readonly widths: readonly number[]
  /** Residual blocks of a level. */
  readonly blocks: number
  /** Halvings of the encoder, at most one a level; default: between levels only. */
  readonly downs?: number
  /** Groups of every normalisation; fewer where a layer has fewer channels. Default 32. */
  readonly normGroups?: number
}

/** Residual blocks of one level and, but for the last, the step to the next size. */
class Level extends nn.Module {
  readonly blocks: ResidualBlock[]
  readonly resize: nn.Conv2d | null

  constructor(
    inChannels: number,
    outChannels: number,
    { blocks, normGroups }: PyramidOptions,
    resize: nn.Conv2d | null,
  ) {
    super()
    this.blocks = Array.from(
      { length: blocks },
      (_, i) => new ResidualBlock(i === 0 ? inChannels : outChannels, outChannels, normGroups),
    )
    this.resize = resize
  }

  forward(x: Tensor): Tensor {
    return scope(() => this.blocks.reduce((features, block) => block.forward(features), x))
  }
}

/** Residual block, attention, residual block at the coarsest size. */
class Middle extends nn.Module {
  readonly first: ResidualBlock
  readonly attention: SpatialAttention
  readonly second: ResidualBlock

  constructor(channels: number, groups?: number) {
    super()
    this.first = new ResidualBlock(channels, channels, groups)
    this.attention = new SpatialAttention(channels, groups)
    this.second = new ResidualBlock(channels, channels, groups)
  }

  forward(x: Tensor): Tensor {
    return scope(() => this.second.forward(this.attention.forward(this.first.forward(x))))
  }
}

/**
 * Encoder of latent-diffusion autoencoders: a level of residual blocks per size, attention at the coarsest.
 * Down-sampling is a stride-2 convolution after zero padding on the right and at the bottom only.
 */
export class PyramidEncoder extends nn.Module {
  readonly input: nn.Conv2d
  readonly levels: Level[]
  readonly middle: Middle
  readonly norm: nn.GroupNorm
  readonly output: nn.Conv2d

  constructor(inChannels: number, outChannels: number, options: PyramidOptions) {
    super()
    const { widths, downs = widths.length - 1, normGroups } = options
    const last = widths.at(-1)!
    this.input = new nn.Conv2d(inChannels, widths[0]!, 3, { padding: 1 })
    this.levels = widths.map((width, i) => {
      const down = i < downs ? new nn.Conv2d(width, width, 3, { stride: 2 }) : null
      return new Level(widths[Math.max(0, i - 1)]!, width, options, down)
    })
    this.middle = new Middle(last, normGroups)
    this.norm = groupNorm(last, normGroups)
    this.output = new nn.Conv2d(last, outChannels, 3, { padding: 1 })
  }

  /** @param x [N, in, H, W] @returns [N, out, H / 2^downs, W / 2^downs] */
  forward(x: Tensor): Tensor {
    let features = this.input.forward(x)
    for (const level of this.levels) {
      features = level.forward(features)
      if (level.resize) features = level.resize.forward(F.pad(features, [0, 1, 0, 1]))
    }
    return this.output.forward(normSilu(this.norm, this.middle.forward(features)))
  }
}

/** The mirror image of {@link PyramidEncoder}; up-sampling is nearest neighbour and a convolution. */
export class PyramidDecoder extends nn.Module {
  readonly input: nn.Conv2d
  readonly middle: Middle
  readonly levels: Level[]
  readonly norm: nn.GroupNorm
  readonly output: nn.Conv2d

  constructor(inChannels: number, outChannels: number, options: PyramidOptions) {
    super()
    const { widths, normGroups } = options
    const coarseToFine = [...widths].reverse()
    const first = coarseToFine[0]!
    const last = coarseToFine.at(-1)!
    this.input = new nn.Conv2d(inChannels, first, 3, { padding: 1 })
    this.middle = new Middle(first, normGroups)
    this.levels = coarseToFine.map((width, i) => {
      const up = i < widths.length - 1 ? new nn.Conv2d(width, width, 3, { padding: 1 }) : null
      return new Level(coarseToFine[Math.max(0, i - 1)]!, width, options, up)
    })
    this.norm = groupNorm(last, normGroups)
    this.output = new nn.Conv2d(last, outChannels, 3, { padding: 1 })
  }

  /** @param z [N, in, h, w] @returns [N, out, h 2^(levels - 1), w 2^(levels - 1)] */
  forward(z: Tensor): Tensor {
    let features = this.middle.forward(this.input.forward(z))
    for (const level of this.levels) {
      features = level.forward(features)
      if (level.resize)
        features = level.resize.forward(F.interpolate(features, { scaleFactor: 2, mode: 'nearest' }))
    }
    return this.output.forward(normSilu(this.norm, features))
  }
}
