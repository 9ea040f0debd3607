import { F, type Tensor } from '@septum/torch'
import { batchDiceLoss } from './batch-dice.js'
import { diceLoss } from './dice-bce.js'
import { structureLoss } from './structure-loss.js'

/** What one map of logits is compared with its masks by. */
export interface MaskLossOptions {
  /** Weighted sum of Dice and cross-entropy, or {@link structureLoss} (weighted IoU and cross-entropy, sum). */
  readonly loss: 'dice-bce' | 'structure'
  readonly diceWeight: number
  readonly bceWeight: number
  /** One fraction a case, one a class over the batch, or the latter with squared sums. */
  readonly dice: 'case' | 'batch' | 'batch-squared'
  /** Weight of background in the cross-entropy; foreground counts 1. */
  readonly backgroundWeight: number
  /** Cross-entropy of the structure loss. */
  readonly structureBce: 'weighted' | 'released'
}

/**
 * @param logits, target [N, K, H, W], target 0 or 1
 * @returns scalars; `total` is differentiated
 */
export function maskLoss(
  logits: Tensor,
  target: Tensor,
  options: MaskLossOptions,
): { readonly total: Tensor; readonly [term: string]: Tensor } {
  if (options.loss === 'structure') return structureLoss(logits, target, { bce: options.structureBce })
  const dice =
    options.dice === 'case'
      ? diceLoss(logits, target, 1e-5)
      : batchDiceLoss(logits, target, { squares: options.dice === 'batch-squared' })
  const bce = crossEntropy(logits, target, options.backgroundWeight)
  return { total: dice.mul(options.diceWeight).add(bce.mul(options.bceWeight)), dice, bce }
}

/** Mean over pixels; with another weight of background Σ w BCE / Σ w, as PyTorch weighs classes. */
function crossEntropy(logits: Tensor, target: Tensor, background: number): Tensor {
  if (background === 1) return F.binaryCrossEntropyWithLogits(logits, target)
  const weight = target.mul(1 - background).add(background)
  const each = F.binaryCrossEntropyWithLogits(logits, target, { reduction: 'none' })
  return each.mul(weight).sum().div(weight.sum())
}
