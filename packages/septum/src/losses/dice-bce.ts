import { F, type Tensor } from '@septum/torch'

/**
 * Soft Dice loss of sigmoid(logits): 1 - mean over samples of (2 Σpg + s) / (Σp + Σg + s).
 * @param logits, target [N, ...], target in [0, 1]. @returns a scalar in [0, 1].
 */
export function diceLoss(logits: Tensor, target: Tensor, smooth = 1e-6): Tensor {
  const p = logits.sigmoid().flatten(1) // [N, P]
  const g = target.flatten(1) // [N, P]
  const overlap = p.mul(g).sum(1) // [N]
  const total = p.sum(1).add(g.sum(1)) // [N]
  return overlap.mul(2).add(smooth).div(total.add(smooth)).mean().neg().add(1)
}

/** Binary cross-entropy on logits, mean over all pixels, and {@link diceLoss}. */
export function diceBce(logits: Tensor, target: Tensor): { dice: Tensor; bce: Tensor } {
  return { dice: diceLoss(logits, target), bce: F.binaryCrossEntropyWithLogits(logits, target) }
}
