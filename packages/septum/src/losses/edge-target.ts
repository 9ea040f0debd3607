import { F, noGrad, type Tensor } from '@septum/torch'

/**
 * Contours of masks: marked pixels with an unmarked one among their eight neighbours. The border of the image is
 * none. One pixel wide, as the edge detector of Inf-Net and BCS-Net leaves them, but needing no files of its own.
 * @param mask [N, K, H, W], 0 or 1 @returns [N, K, H, W], 0 or 1
 */
export const edgeTarget = (mask: Tensor): Tensor =>
  noGrad(() => F.maxPool2d(mask.neg().add(1), 3, { stride: 1, padding: 1 }).mul(mask))

/**
 * Where contours are known: pixels that count and have no neighbour that counts for nobody.
 * @param counted [N, 1, H, W], 0 or 1; null: all count @returns of its shape, or null
 */
export const edgeCounted = (counted: Tensor | null): Tensor | null =>
  counted && noGrad(() => F.maxPool2d(counted.neg().add(1), 3, { stride: 1, padding: 1 }).neg().add(1))
