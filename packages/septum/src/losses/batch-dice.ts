import type { Tensor } from '@septum/torch'

export interface BatchDiceOptions {
  /** Squares probabilities and marks in the sum below the fraction line (V-Net, TransUNet). Default false. */
  readonly squares?: boolean
  readonly smooth?: number
  /** 0 for samples that do not count, else 1; spreads to the shape of the target. Default: all count. */
  readonly counted?: Tensor | null
}

/**
 * Soft Dice loss of sigmoid(logits) with one fraction for each class over the whole batch:
 * 1 - mean over classes of (2 Σpg + s) / (Σp + Σg + s).
 * @param logits, target [N, K, ...size], target in [0, 1] @returns a scalar in [0, 1]
 */
export function batchDiceLoss(
  logits: Tensor,
  target: Tensor,
  { squares = false, smooth = 1e-5, counted = null }: BatchDiceOptions = {},
): Tensor {
  const perClass = (t: Tensor) => t.transpose(0, 1).flatten(1).sum(1) // [K]
  const only = (t: Tensor) => (counted ? t.mul(counted) : t)
  const p = only(logits.sigmoid())
  const g = only(target)
  const size = (t: Tensor) => perClass(squares ? t.mul(t) : t)
  const overlap = perClass(p.mul(g))
  return overlap
    .mul(2)
    .add(smooth)
    .div(size(p).add(size(g)).add(smooth))
    .mean()
    .neg()
    .add(1)
}
