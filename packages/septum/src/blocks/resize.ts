import { F, type Tensor } from '@septum/torch'

/**
 * Resizes maps bilinearly; the tensor itself where nothing changes.
 * @param x [N, C, H, W] @param size [H', W'] @param alignCorners as in PyTorch: whether corner samples stay in place
 * @returns [N, C, H', W']
 */
export const resizeMaps = (x: Tensor, size: readonly number[], alignCorners = false): Tensor =>
  `${x.shape.slice(2)}` === `${size}` ? x : F.interpolate(x, { size, mode: 'bilinear', alignCorners })

/** Height and width of maps [N, C, H, W]. */
export const sizeOf = (x: Tensor): readonly number[] => x.shape.slice(2)
