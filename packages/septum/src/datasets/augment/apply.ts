import { SeptumError } from '@septum/core'
import { scope, type Tensor } from '@septum/torch'
import { transformTogether } from './geometry.js'
import { scaleIntensity } from './intensity.js'
import type { CaseParameters } from './parameters.js'

export interface ApplyOptions {
  /** Size of the crop, [H, W]. */
  readonly size: readonly [height: number, width: number]
  /** How rotated images are read between pixels. Masks are always nearest. */
  readonly interpolation?: 'bilinear' | 'nearest'
}

/**
 * Applies drawn parameters to a batch on its device: flips, rotation, quarter turns, crop, intensity.
 * The crop is the centre of the given window: where in the source the window was cut is `top` and `left`,
 * which the caller has already done. Same input, same parameters: same output.
 * @param images [N, C, H, W] float32 in [0, 1]. @param masks [N, R, H, W] uint8.
 * @returns [N, C, ...size] float32 and [N, R, ...size] uint8; the caller frees them.
 * @throws SeptumError `augment-shape` when batch sizes disagree.
 */
export function applyAugmentation(
  images: Tensor,
  masks: Tensor,
  parameters: readonly CaseParameters[],
  { size, interpolation = 'bilinear' }: ApplyOptions,
): { images: Tensor; masks: Tensor } {
  const [batch, , height, width] = images.shape
  const [maskBatch, , maskHeight, maskWidth] = masks.shape
  if (batch !== maskBatch || height !== maskHeight || width !== maskWidth || batch !== parameters.length) {
    throw new SeptumError(
      'augment-shape',
      `Images [${images.shape}], masks [${masks.shape}] and ${parameters.length} parameter sets do not fit together`,
      'Give one mask stack and one parameter set for each image, of the same height and width.',
    )
  }
  return scope(() => {
    const moved = transformTogether(images, masks, parameters, size, interpolation)
    return { images: scaleIntensity(moved.images, parameters), masks: moved.masks }
  })
}
