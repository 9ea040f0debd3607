import { operator } from '../call.js'
import type { Tensor } from '../tensor.js'

export type LossReduction = 'none' | 'mean' | 'sum'
const code: Record<LossReduction, number> = { none: 0, mean: 1, sum: 2 }

/** @param logits [N, C, ...] @param target class indices [N, ...] int64, or probabilities [N, C, ...] */
export const crossEntropy = (
  logits: Tensor,
  target: Tensor,
  {
    weight = null as Tensor | null,
    reduction = 'mean' as LossReduction,
    ignoreIndex = -100,
    labelSmoothing = 0,
  } = {},
): Tensor =>
  operator('aten::cross_entropy_loss').one(
    logits,
    target,
    weight,
    code[reduction],
    ignoreIndex,
    labelSmoothing,
  )

/** @param logProbabilities [N, C, ...] */
export const nllLoss = (
  logProbabilities: Tensor,
  target: Tensor,
  { weight = null as Tensor | null, reduction = 'mean' as LossReduction, ignoreIndex = -100 } = {},
): Tensor => operator('aten::nll_loss_nd').one(logProbabilities, target, weight, code[reduction], ignoreIndex)

/** @param probabilities in [0, 1], any shape */
export const binaryCrossEntropy = (
  probabilities: Tensor,
  target: Tensor,
  { weight = null as Tensor | null, reduction = 'mean' as LossReduction } = {},
): Tensor => operator('aten::binary_cross_entropy').one(probabilities, target, weight, code[reduction])

/** Binary cross-entropy of sigmoid(logits), stable for large logits. */
export const binaryCrossEntropyWithLogits = (
  logits: Tensor,
  target: Tensor,
  {
    weight = null as Tensor | null,
    posWeight = null as Tensor | null,
    reduction = 'mean' as LossReduction,
  } = {},
): Tensor =>
  operator('aten::binary_cross_entropy_with_logits').one(logits, target, weight, posWeight, code[reduction])

export const mseLoss = (a: Tensor, b: Tensor, reduction: LossReduction = 'mean'): Tensor =>
  operator('aten::mse_loss').one(a, b, code[reduction])
export const l1Loss = (a: Tensor, b: Tensor, reduction: LossReduction = 'mean'): Tensor =>
  operator('aten::l1_loss').one(a, b, code[reduction])
/** 0.5 d² / beta below beta, else d - beta / 2. */
export const smoothL1Loss = (
  a: Tensor,
  b: Tensor,
  { reduction = 'mean' as LossReduction, beta = 1 } = {},
): Tensor => operator('aten::smooth_l1_loss').one(a, b, code[reduction], beta)
/** Mean of target (log target - input); `input` holds log-probabilities. */
export const klDiv = (
  input: Tensor,
  target: Tensor,
  { reduction = 'mean' as LossReduction | 'batchmean', logTarget = false } = {},
): Tensor =>
  reduction === 'batchmean'
    ? operator('aten::kl_div').one(input, target, code.sum, logTarget).div(input.size(0))
    : operator('aten::kl_div').one(input, target, code[reduction], logTarget)
