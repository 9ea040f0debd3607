import { cat, type Tensor } from '@septum/torch'
import { batchDiceLoss } from './batch-dice.js'
import { diceLoss } from './dice-bce.js'
import type { MaskLossOptions } from './mask-loss.js'
import { structureLoss } from './structure-loss.js'

/**
 * Logits of each class against all others: their sigmoid is the soft-max. x_k - log Σ_{j≠k} exp x_j.
 * @param logits [N, C, ...size] of soft-max classes @returns the same shape
 */
export function oneVersusRest(logits: Tensor): Tensor {
  const classes = logits.size(1)
  const each = Array.from({ length: classes }, (_, k) => {
    const rest = [logits.narrow(1, 0, k), logits.narrow(1, k + 1, classes - k - 1)]
    return logits.narrow(1, k, 1).sub(cat(rest, 1).logsumexp(1, true))
  })
  return cat(each, 1)
}

/**
 * As {@link maskLoss}, for classes that exclude each other: cross-entropy of a soft-max over background and classes,
 * Dice of all of them, background included, or the structure loss of each class against the rest.
 * @param logits [N, 1 + K, ...size], background first @param target [N, K, ...size], 0 or 1, at most one 1 a pixel
 * @param counted [N, 1, ...size], 0 where a sample counts for nobody, else 1; null: everything counts
 */
export function exclusiveLoss(
  logits: Tensor,
  target: Tensor,
  options: MaskLossOptions,
  counted: Tensor | null = null,
): { readonly total: Tensor; readonly [term: string]: Tensor } {
  const each = oneVersusRest(logits)
  const classes = target.size(1)
  if (options.loss === 'structure')
    return structureLoss(each.narrow(1, 1, classes), target, { bce: options.structureBce, counted })
  const background = target.sum(1, true).neg().add(1)
  const all = cat([background, target], 1) // [N, 1 + K, ...size]
  const dice =
    options.dice === 'case'
      ? diceLoss(each, all, 1e-5, counted)
      : batchDiceLoss(each, all, { squares: options.dice === 'batch-squared', counted })
  // Weights of pixels by their class; PyTorch divides by their sum.
  const byClass = background.mul(options.backgroundWeight - 1).add(1)
  const weight = counted ? byClass.mul(counted) : byClass
  const sum = logits.logSoftmax(1).mul(all).sum(1, true).mul(weight).sum()
  const crossEntropy = sum.div(weight.sum().clamp(1e-12)).neg()
  return { total: dice.mul(options.diceWeight).add(crossEntropy.mul(options.bceWeight)), dice, crossEntropy }
}
