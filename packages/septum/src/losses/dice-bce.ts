import { F, type Tensor } from '@septum/torch'

/**
 * Soft Dice loss of sigmoid(logits): 1 - mean over samples of (2 Σpg + s) / (Σp + Σg + s).
 * @param logits, target [N, ...], target in [0, 1]. @param counted of their shape, or one that spreads to it: 0 for what
 * does not count, else 1; null: everything counts. @returns a scalar in [0, 1].
 */
export function diceLoss(
  logits: Tensor,
  target: Tensor,
  smooth = 1e-6,
  counted: Tensor | null = null,
): Tensor {
  const only = (t: Tensor) => (counted ? t.mul(counted) : t).flatten(1) // [N, P]
  const p = only(logits.sigmoid())
  const g = only(target)
  const overlap = p.mul(g).sum(1) // [N]
  const total = p.sum(1).add(g.sum(1)) // [N]
  return overlap.mul(2).add(smooth).div(total.add(smooth)).mean().neg().add(1)
}

/**
 * Binary cross-entropy on logits, mean over all samples that count, and {@link diceLoss}. Where nothing counts, both are 0.
 */
export function diceBce(
  logits: Tensor,
  target: Tensor,
  counted: Tensor | null = null,
): { dice: Tensor; bce: Tensor } {
  return { dice: diceLoss(logits, target, 1e-6, counted), bce: meanBce(logits, target, counted) }
}

/** Binary cross-entropy on logits, mean over all samples that count; 0 where nothing counts. */
export function meanBce(logits: Tensor, target: Tensor, counted: Tensor | null = null): Tensor {
  if (!counted) return F.binaryCrossEntropyWithLogits(logits, target)
  const weight = counted.expand(target.shape)
  const each = F.binaryCrossEntropyWithLogits(logits, target, { reduction: 'none' })
  return each.mul(weight).sum().div(weight.sum().clamp(1))
}
