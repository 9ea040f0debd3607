import { arange, cat, randint, type Tensor, where } from '@septum/torch'

/**
 * One random rater's mask of each case. @param masks [N, R, ...size] uint8 labels
 * @returns labels [N, 1, ...size] of the raters drawn from the default generator
 */
export function randomRater(masks: Tensor): Tensor {
  const [n, raters] = masks.shape as [number, number]
  if (raters === 1) return masks
  const rater = randint(0, raters, [n], { device: masks.device })
  const row = arange(0, n, 1, { device: masks.device })
  return masks.index([row, rater]).unsqueeze(1)
}

/**
 * Replaces empty masks by a rater of the same case who marked something, all but a share of `keep`. Cases
 * that nobody marked stay as they are.
 * @param masks [N, R, H, W] @param drawn [N, 1, H, W] one rater each @param keep share of empty masks kept
 */
export function fewerEmpty(masks: Tensor, drawn: Tensor, keep: number): Tensor {
  if (keep >= 1 || masks.size(1) === 1) return drawn
  const areas = masks.flatten(2).ne(0).sum(2).float() // [N, R]
  // A random rater among those who marked something: the largest of area-positive random numbers.
  const score = areas.gt(0).float().mul(areas.clone().uniform_(0.5, 1)) // [N, R]
  const row = arange(0, masks.size(0), 1, { device: masks.device })
  const marked = masks.index([row, score.argmax(1)]).unsqueeze(1) // [N, 1, H, W]
  const empty = drawn.flatten(1).ne(0).sum(1).eq(0) // [N]
  const swap = empty
    .logicalAnd(areas.select(1, 0).clone().uniform_(0, 1).ge(keep))
    .view([-1, ...masks.shape.slice(1).map(() => 1)])
  return where(swap, marked, drawn)
}

/** The binary mask of class `classes[i]` (from 0) of each case. @param labels [N, 1, H, W] @returns float32 */
export function classMask(labels: Tensor, classes: Tensor): Tensor {
  return labels.eq(classes.add(1).view([-1, 1, 1, 1])).float()
}

/** One binary mask a class. @param labels [N, 1, ...size] uint8, value i + 1 is class i. @returns [N, K, ...size] float32 */
export function classTargets(labels: Tensor, classes: number): Tensor {
  return cat(
    Array.from({ length: classes }, (_, i) => labels.eq(i + 1)),
    1,
  ).float()
}
