import type { Tensor } from '@septum/torch'

export interface BatchDiceOptions {
  /** Squares probabilities and marks in the sum below the fraction line (V-Net, TransUNet). Default false. */
  readonly squares?: boolean
  readonly smooth?: number
}

/**
 * Soft Dice loss of sigmoid(logits) with one fraction for each class over the whole batch:
 * 1 - mean over classes of (2 Σpg + s) / (Σp + Σg + s).
 * @param logits, target [N, K, ...size], target in [0, 1] @returns a scalar in [0, 1]
 */
export function batchDiceLoss(
  logits: Tensor,
  target: Tensor,
  { squares = false, smooth = 1e-5 }: BatchDiceOptions = {},
): Tensor {
  const perClass = (t: Tensor) => t.transpose(0, 1).flatten(1).sum(1) // [K]
  const p = logits.sigmoid()
  const size = (t: Tensor) => perClass(squares ? t.mul(t) : t)
  const overlap = perClass(p.mul(target))
  return overlap
    .mul(2)
    .add(smooth)
    .div(size(p).add(size(target)).add(smooth))
    .mean()
    .neg()
    .add(1)
}
