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

/**
 * The binary mask of class `classes[i]` (from 0) of each case. @param labels [N, 1, H, W]
 * @param meaning where classes are regions. @returns float32
 */
export function classMask(labels: Tensor, classes: Tensor, meaning?: LabelMeaning): Tensor {
  if (meaning === undefined || typeof meaning === 'number' || !meaning.regions)
    return labels.eq(classes.add(1).view([-1, 1, 1, 1])).float()
  const row = arange(0, labels.size(0), 1, { device: labels.device })
  return classTargets(labels, meaning).index([row, classes]).unsqueeze(1)
}

/** What label values mean: the number of classes, or the task with its regions. */
export type LabelMeaning =
  | number
  | { readonly classes: readonly string[]; readonly regions?: readonly (readonly number[])[] }

/**
 * One binary mask a class. @param labels [N, 1, ...size] uint8
 * @param meaning value i + 1 is class i, unless the task tells the labels of each class
 * @returns [N, K, ...size] float32
 */
export function classTargets(labels: Tensor, meaning: LabelMeaning): Tensor {
  const classes = typeof meaning === 'number' ? meaning : meaning.classes.length
  const regions = typeof meaning === 'number' ? undefined : meaning.regions
  const masks = Array.from({ length: classes }, (_, i) => {
    const own = regions?.[i] ?? [i + 1]
    return own.map((label) => labels.eq(label)).reduce((a, b) => a.logicalOr(b))
  })
  return cat(masks, 1).float()
}

/** Label of samples that nobody marked. */
const IGNORED = 255

/** What a method compares its maps with: one rater's mask of each case. */
export interface MaskTarget {
  /** [N, K, ...size] float32, 0 or 1. */
  readonly target: Tensor
  /** [N, 1, ...size] float32, 0 where samples count for nobody; null for tasks without an ignore label. */
  readonly counted: Tensor | null
}

/** A random rater's masks of all classes, and what of them counts. @param masks [N, R, ...size] uint8 labels */
export function randomTarget(masks: Tensor, task: Exclude<LabelMeaning, number> & Ignoring): MaskTarget {
  const labels = randomRater(masks)
  return { target: classTargets(labels, task), counted: countedSamples(labels, task) }
}

interface Ignoring {
  readonly ignores?: boolean
}

/**
 * Which samples count: 1, and 0 where the mask holds the ignore label.
 * @param labels [N, 1, ...size] uint8 @returns [N, 1, ...size] float32; null for tasks without an ignore label
 */
export function countedSamples(labels: Tensor, { ignores }: Ignoring): Tensor | null {
  return ignores ? labels.ne(IGNORED).float() : null
}
