import type { Tensor } from '@septum/torch'

/**
 * Doubles a skip connection where a coarser map cannot tell, and leaves it where that map is sure (local context
 * attention): skip (1 + a), a = 1 - |sigmoid - 0.5| / 0.5. With several classes: where any of them cannot be told.
 * @param skip [N, C, H, W] @param logits [N, K, H, W] @returns [N, C, H, W]
 */
export function localContext(skip: Tensor, logits: Tensor): Tensor {
  const sureness = logits.sigmoid().sub(0.5).abs().div(0.5)
  const least = sureness.size(1) === 1 ? sureness : sureness.amin(1, true)
  return skip.mul(least.neg().add(2))
}
