import { Random } from '@septum/core'
import { F, operator, type Tensor } from '@septum/torch'
import type { MultiScaleRecipe } from '../../methods/method.js'

const SIZE_STREAM = 0xad

/** Each side times the rate, rounded to the next multiple: 352 · 0.75, 1, 1.25 by 32 gives 256, 352, 448 (PraNet). */
export const scaledSize = (size: readonly number[], rate: number, multiple: number): number[] =>
  size.map((side) => Math.max(1, Math.round((side * rate) / multiple)) * multiple)

/** Batches in a row that hold the same cases. */
export const batchRepeats = (recipe: MultiScaleRecipe | undefined): number =>
  recipe?.order === 'each' ? recipe.rates.length : 1

/** Size of batch `number`: a function of its arguments only. */
export function drawSize(
  recipe: MultiScaleRecipe | undefined,
  size: readonly number[],
  seed: number,
  stream: number,
  number: number,
): readonly number[] {
  if (!recipe || recipe.rates.length === 0) return size
  const { rates, multiple, order } = recipe
  const which =
    order === 'each'
      ? number % rates.length
      : new Random(seed, SIZE_STREAM + 256 * stream, number).int(rates.length)
  return scaledSize(size, rates[which]!, multiple)
}

/**
 * Resizes a batch: images linear, masks nearest, both by half-pixel centres and without smoothing.
 * @param images [N, C, ...from] float32. @param masks [N, R, ...from] uint8, or null.
 */
export function resizeTogether<M extends Tensor | null>(
  images: Tensor,
  masks: M,
  size: readonly number[],
): { images: Tensor; masks: M } {
  const from = images.shape.slice(2)
  if (from.every((side, axis) => side === size[axis])) return { images, masks }
  return { images: resizeLinear(images, size), masks: (masks && resizeNearest(masks, size)) as M }
}

/** Linear with half-pixel centres, the edge sample repeated, no smoothing. @param x [N, C, ...from] float32. */
export const resizeLinear = (x: Tensor, size: readonly number[]): Tensor =>
  F.interpolate(x, { size, mode: size.length === 3 ? 'trilinear' : 'bilinear' })

/** The sample whose centre is nearest (PyTorch's 'nearest-exact'). @param x [N, C, ...from] float32 or uint8. */
export const resizeNearest = (x: Tensor, size: readonly number[]): Tensor =>
  operator(`aten::_upsample_nearest_exact${size.length}d.vec`).one(x, size, null)
