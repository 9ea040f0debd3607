import { cat, F, nn, scope, type Tensor, tensor } from '@septum/torch'
import { resizeMaps } from '../../blocks/resize.js'

const HEADS = 4
const RADIUS = 3
const SIDE = 2 * RADIUS + 1

/**
 * Neighbours of every position in a window of 7 x 7, `dilation` apart; zeros beyond the border.
 * @param x [B, T, C, H, W] @returns [B, T, 49, C, H, W]
 */
function windows(x: Tensor, dilation: number): Tensor {
  const [b, t, , h, w] = x.shape as [number, number, number, number, number]
  const reach = RADIUS * dilation
  const at = (size: number) =>
    tensor(
      Array.from({ length: SIDE * size }, (_, i) => (i % size) + Math.floor(i / size) * dilation),
      { dtype: 'int64' },
    ).to({ device: x.device })
  return F.pad(x.flatten(0, 1), [reach, reach, reach, reach]) // [B T, C, H + 2 reach, W + 2 reach]
    .indexSelect(2, at(h))
    .indexSelect(3, at(w))
    .unflatten(3, [SIDE, w])
    .unflatten(2, [SIDE, h]) // [B T, C, 7, H, 7, W]
    .permute([0, 2, 4, 1, 3, 5])
    .flatten(1, 2)
    .unflatten(0, [b, t])
}

/** Layer norm over channels and places; its factors belong to the places of one size. */
class PlaceNorm extends nn.LayerNorm {
  constructor(channels: number, height: number, width: number) {
    super([channels, height, width])
  }

  /** @param x [B, T, C, H, W]; at another size than it was made for, the factors are interpolated */
  override forward(x: Tensor): Tensor {
    const shape = x.shape.slice(2)
    if (`${shape}` === `${this.shape}`) return super.forward(x)
    const resized = (t: Tensor | null) => t && resizeMaps(t.unsqueeze(0), shape.slice(1)).squeeze(0)
    return F.layerNorm(x, shape, resized(this.weight), resized(this.bias), this.eps)
  }
}

/**
 * Normalised self-attention (Ji et al. 2021, section 2.1): each head compares a position with a window of its own
 * dilation in all frames. What it gathers is weighted by the similarities themselves; their soft-max only says how
 * much of the result counts. As released, places beyond the border take part in the soft-max with similarity 0.
 */
export class NormalizedAttention extends nn.Module {
  readonly query_conv: nn.Conv3d
  readonly key_conv: nn.Conv3d
  readonly value_conv: nn.Conv3d
  readonly output_Linear: nn.Conv3d
  readonly bn: PlaceNorm

  /** @param grid height and width of the maps */
  constructor(channels: number, grid: readonly [number, number]) {
    super()
    const conv = () => new nn.Conv3d(channels, channels, 1, { bias: false })
    this.query_conv = conv()
    this.key_conv = conv()
    this.value_conv = conv()
    this.output_Linear = conv()
    this.bn = new PlaceNorm(channels / HEADS, ...grid)
  }

  /** @param x [B, T, C, H, W], T frames @returns [B, T, C, H, W] */
  forward(x: Tensor): Tensor {
    return scope(() => {
      const channelsFirst = x.transpose(1, 2) // [B, C, T, H, W]
      const heads = (conv: nn.Conv3d) => conv.forward(channelsFirst).transpose(1, 2).chunk(HEADS, 2)
      const [queries, keys, values] = [this.query_conv, this.key_conv, this.value_conv].map(heads)
      const scale = Math.sqrt(x.size(2) / HEADS)
      const gathered: Tensor[] = []
      const softened: Tensor[] = []
      for (const [i, raw] of queries!.entries()) {
        const dilation = 2 * i + 1
        const query = this.bn.forward(raw).unsqueeze(2).unsqueeze(3) // [B, T, 1, 1, C / 4, H, W]
        const key = windows(keys![i]!, dilation).unsqueeze(1) // [B, 1, T, 49, C / 4, H, W]
        const similarity = query.mul(key).sum(4).div(scale) // [B, T, T, 49, H, W]
        softened.push(similarity.flatten(2, 3).softmax(2))
        const value = windows(values![i]!, dilation).unsqueeze(1)
        gathered.push(similarity.unsqueeze(4).mul(value).sum([2, 3])) // [B, T, C / 4, H, W]
      }
      const counts = cat(softened, 2).amax(2, true) // [B, T, 1, H, W]
      const joined = this.output_Linear.forward(cat(gathered, 2).transpose(1, 2)).transpose(1, 2)
      return joined.mul(counts)
    })
  }
}
