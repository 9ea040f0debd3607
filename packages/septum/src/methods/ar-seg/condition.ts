import { F, nn, noGrad, parameter, type Tensor, zeros } from '@septum/torch'
import { PyramidEncoder, type PyramidOptions } from '../../blocks/pyramid.js'
import type { SegmentorOptions } from './options.js'
import { sinePositions } from './placement.js'

/** Turns an image into a feature map; what stands behind {@link ImageCondition} is free to choose. */
export interface ImageEncoder extends nn.Module {
  /** Channels of the feature map. */
  readonly channels: number
  /** @param images [N, C, H, W] in [0, 1]. @returns [N, channels, h, w] */
  forward(images: Tensor): Tensor
}

/** Default encoder: the convolutional pyramid of stage 1, trained together with the transformer. */
export class PyramidImageEncoder extends nn.Module implements ImageEncoder {
  readonly pyramid: PyramidEncoder
  readonly channels: number

  constructor(imageChannels: number, options: PyramidOptions) {
    super()
    this.channels = options.widths.at(-1)!
    this.pyramid = new PyramidEncoder(imageChannels, this.channels, options)
  }

  forward(images: Tensor): Tensor {
    // Shifted to [-1, 1]: most of a CT crop is dark, and all-positive inputs slow the first layer.
    return this.pyramid.forward(images.mul(2).sub(1).to({ memoryFormat: 'channels_last' }))
  }
}

/** Share of the sum of the singular values that the low-rank branch keeps. */
export const lowRankShare = 0.95

/**
 * Largest-singular-value reconstruction of X that keeps 95 % of the sum of singular values; gradients do not
 * go through the singular vectors. @param x [N, T, C] @returns [N, T, C]
 */
function lowRank(x: Tensor): Tensor {
  const projector = noGrad(() => {
    const [, s, vh] = x.detach().svd() // [N, r], [N, r, C]
    const share = s.cumsum(-1).div(s.sum(-1, true)) // [N, r]
    // A component stays while those before it do not yet reach the share.
    const keeps = share
      .sub(s.div(s.sum(-1, true)))
      .lt(lowRankShare)
      .float() // [N, r]
    return vh.transpose(1, 2).mul(keeps.unsqueeze(1)).matmul(vh) // [N, C, C]
  })
  return x.matmul(projector)
}

/**
 * Image to prefix tokens (section 3.2): features pooled to a grid, an MLP branch, and X itself or its
 * low-rank reconstruction, added and normalised.
 */
export class ImageCondition extends nn.Module {
  readonly encoder: ImageEncoder
  readonly projection: nn.Linear | null
  readonly mlp: nn.Sequential
  readonly norm: nn.LayerNorm
  readonly positions: Tensor

  constructor(
    encoder: ImageEncoder,
    private readonly options: SegmentorOptions,
  ) {
    super()
    const { width, prefixSide } = options
    this.encoder = encoder
    this.projection = encoder.channels === width ? null : new nn.Linear(encoder.channels, width)
    this.mlp = new nn.Sequential(new nn.Linear(width, width), new nn.GELU(), new nn.Linear(width, width))
    this.norm = new nn.LayerNorm([width])
    this.positions = parameter(
      options.positions === 'sine'
        ? sinePositions([prefixSide], width)
        : zeros([prefixSide * prefixSide, width]),
    )
  }

  /** @param images [N, C, H, W] in [0, 1]. @returns prefix tokens [N, T, width] */
  forward(images: Tensor): Tensor {
    const x = this.tokens(images)
    return this.join(x, this.options.lowRank ? lowRank(x) : x)
  }

  /** Features under each prefix token. @param images [N, C, H, W] in [0, 1] @returns X [N, T, width] */
  tokens(images: Tensor): Tensor {
    const { prefixSide } = this.options
    const features = F.adaptiveAvgPool2d(this.encoder.forward(images), prefixSide) // [N, F, s, s]
    const tokens = features.flatten(2).transpose(1, 2).contiguous() // [N, s², F]
    return this.projection ? this.projection.forward(tokens) : tokens // [N, T, width]
  }

  /** @param x [N, T, width] @param rest X itself or its reconstruction @returns prefix tokens [N, T, width] */
  join(x: Tensor, rest: Tensor): Tensor {
    return this.norm.forward(this.mlp.forward(x).add(rest)).add(this.positions)
  }
}
