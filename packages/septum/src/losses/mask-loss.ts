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
 * @param counted [N, 1, H, W], 0 where a sample counts for nobody, else 1; null: everything counts
 * @returns scalars; `total` is differentiated
 */
export function maskLoss(
  logits: Tensor,
  target: Tensor,
  options: MaskLossOptions,
  counted: Tensor | null = null,
): { readonly total: Tensor; readonly [term: string]: Tensor } {
  if (options.loss === 'structure')
    return structureLoss(logits, target, { bce: options.structureBce, counted })
  const dice =
    options.dice === 'case'
      ? diceLoss(logits, target, 1e-5, counted)
      : batchDiceLoss(logits, target, { squares: options.dice === 'batch-squared', counted })
  const bce = crossEntropy(logits, target, options.backgroundWeight, counted)
  return { total: dice.mul(options.diceWeight).add(bce.mul(options.bceWeight)), dice, bce }
}

/**
 * Mean over the pixels that count; with another weight of background Σ w BCE / Σ w, as PyTorch weighs classes. 0 where
 * nothing counts.
 */
function crossEntropy(logits: Tensor, target: Tensor, background: number, counted: Tensor | null): Tensor {
  if (background === 1 && !counted) return F.binaryCrossEntropyWithLogits(logits, target)
  const byClass = target.mul(1 - background).add(background)
  const weight = counted ? byClass.mul(counted) : byClass
  const each = F.binaryCrossEntropyWithLogits(logits, target, { reduction: 'none' })
  return each.mul(weight).sum().div(weight.sum().clamp(TINY))
}

/** Below any sum of weights but that of no pixel. */
const TINY = 1e-12
