import { F, noGrad, type Tensor } from '@septum/torch'
import { meanBce } from './dice-bce.js'

export interface StructureLossOptions {
  /**
   * `weighted`: the cross-entropy of a pixel counts as much as its weight, as the papers mean it. `released`: its
   * plain mean over the batch, which is what the released code of F3Net, PraNet, Inf-Net and MSNet computes, because
   * `reduce='none'` of an older PyTorch is taken for `true`.
   */
  readonly bce?: 'weighted' | 'released'
  /** [N, 1, H, W], 0 where a pixel counts for nobody, else 1. Default: all count. */
  readonly counted?: Tensor | null
}

const WINDOW = 31

/**
 * Weights of pixels, 1 + 5 |mean of the mask in a 31x31 window - mask|: large along contours. Windows reach beyond
 * the image, where the mask counts 0. A pixel that counts for nobody has weight 0, and in the windows of others it has
 * their own value: it makes nothing a contour.
 * @param mask [N, K, H, W] in [0, 1] @param counted [N, 1, H, W], 0 or 1; null: all count
 * @returns [N, K, H, W] in [1, 6], or 0
 */
export function contourWeights(mask: Tensor, counted: Tensor | null = null): Tensor {
  return noGrad(() => {
    if (!counted) return windowMean(mask).sub(mask).abs().mul(5).add(1)
    // Mean of m_j - m_i over the pixels j of the window that count.
    const share = windowMean(counted.neg().add(1)).neg().add(1)
    const difference = windowMean(mask.mul(counted)).sub(mask.mul(share))
    return difference.abs().mul(5).add(1).mul(counted)
  })
}

function windowMean(x: Tensor): Tensor {
  const half = (WINDOW - 1) / 2
  // A mean over rows of means over columns: 62 additions a pixel in place of 961.
  const rows = F.avgPool2d(x, [WINDOW, 1], { stride: 1, padding: [half, 0] })
  return F.avgPool2d(rows, [1, WINDOW], { stride: 1, padding: [0, half] })
}

/**
 * Weighted IoU and weighted binary cross-entropy (F3Net, Wei et al. 2020; PraNet, Fan et al. 2020), mean over images
 * and classes: iou = 1 - (Σ w p m + 1) / (Σ w (p + m) - Σ w p m + 1), bce = Σ w BCE / Σ w. An image in which nothing
 * counts has the loss 0.
 * @param logits, mask [N, K, H, W], mask in [0, 1] @returns scalars; `total` is their sum
 */
export function structureLoss(
  logits: Tensor,
  mask: Tensor,
  { bce: kind = 'weighted', counted = null }: StructureLossOptions = {},
): { total: Tensor; iou: Tensor; bce: Tensor } {
  const weights = contourWeights(mask, counted) // [N, K, H, W]
  const bce = kind === 'released' ? meanBce(logits, mask, counted) : weightedBce(logits, mask, weights)
  const p = logits.sigmoid()
  const over = (t: Tensor) => t.flatten(2).sum(2) // [N, K]
  const overlap = over(p.mul(mask).mul(weights))
  const both = over(p.add(mask).mul(weights))
  const iou = overlap.add(1).div(both.sub(overlap).add(1)).mean().neg().add(1)
  return { total: bce.add(iou), iou, bce }
}

function weightedBce(logits: Tensor, mask: Tensor, weights: Tensor): Tensor {
  const each = F.binaryCrossEntropyWithLogits(logits, mask, { reduction: 'none' })
  // A sum of weights is at least 1, but for an image in which nothing counts.
  return each.mul(weights).flatten(2).sum(2).div(weights.flatten(2).sum(2).clamp(1)).mean()
}
