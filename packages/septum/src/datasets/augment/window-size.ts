import type { AugmentationRecipe } from '../../methods/method.js'

type Size = readonly number[]

/**
 * Size of the window to cut around a crop of `size` so that no turn, scaling or deformation of the recipe looks beyond
 * it: the diagonal for free rotation, the longer side for quarter turns. It exceeds the crop by an even number.
 * @param size [H, W] or [D, H, W].
 * @param largest size of the largest source image; nothing lies beyond it, so the window may end there.
 * @param spacingMm distance of samples along each axis; equal when absent.
 */
export function windowSize(
  recipe: AugmentationRecipe | undefined,
  size: Size,
  largest: Size,
  spacingMm: Size = size.map(() => 1),
): Size {
  const { rotateDegrees = 0, rotate90, tiltDegrees, scale, elastic, cropAt, patches } = recipe ?? {}
  const [tiltVertical, tiltHorizontal] = size.length === 3 ? (tiltDegrees ?? [0, 0]) : [0, 0]
  const depth = size.length - 3
  const turning = size.map(() => new Set<number>())
  const together = (a: number, b: number) => {
    for (const axis of [a, b]) for (const other of [a, b]) turning[axis]!.add(other)
  }
  if (rotateDegrees) together(depth + 1, depth + 2)
  if (tiltVertical) together(depth, depth + 2)
  if (tiltHorizontal) together(depth, depth + 1)
  // Two rotations about different axes bring every axis into play.
  const all = [rotateDegrees, tiltVertical, tiltHorizontal].filter(Boolean).length > 1
  const smallest = Math.min(1, scale?.factor[0] ?? 1)
  const finest = Math.min(...spacingMm)
  const inPlane = Math.max(...largest.slice(-2))

  const side = (crop: number, axis: number) => {
    const axes = all ? size.map((_, i) => i) : [...turning[axis]!]
    const mm = spacingMm[axis]!
    const turned =
      axes.length > 0
        ? Math.ceil(Math.hypot(...axes.map((i) => size[i]! * spacingMm[i]!)) / mm) + 2
        : rotate90 && axis > depth
          ? Math.max(...size.slice(-2))
          : 0
    const shift = elastic ? 2 * Math.ceil((elastic.magnitude[1] * finest) / mm) + 2 : 0
    const reach = Math.ceil((Math.max(turned, smallest < 1 || shift > 0 ? crop : 0) + shift) / smallest)
    const most = axis > depth ? inPlane : largest[axis]!
    const limit = cropAt === 'random' || patches ? 2 * most : most
    const wanted = Math.max(crop, Math.min(reach, limit))
    return wanted + ((wanted - crop) % 2)
  }
  return size.map(side)
}
