import { SeptumError } from '@septum/core'
import { scope, type Tensor } from '@septum/torch'
import { changeAppearance } from './appearance.js'
import { transformTogether } from './geometry.js'
import { scaleIntensity } from './intensity.js'
import type { CaseParameters } from './parameters.js'
import { transformSpatial } from './spatial.js'

export interface ApplyOptions {
  /** Size of the crop, [H, W] or [D, H, W]. */
  readonly size: readonly number[]
  /** How rotated images are read between pixels. Masks are always nearest. */
  readonly interpolation?: 'bilinear' | 'nearest'
  /** Distance of samples along each axis, for rotations of volumes; equal when absent. */
  readonly spacingMm?: readonly number[]
  /** What changed values are cut to; null: nothing. Default [0, 1]. */
  readonly valueRange?: readonly [number, number] | null
}

/**
 * Applies drawn parameters to a batch on its device: flips, rotation, quarter turns, scale, deformation, crop, then
 * brightness, contrast and the other changes of values.
 * The crop is the centre of the given window: where in the source the window was cut is `top`, `left` and `front`,
 * which the caller has already done. Same input, same parameters: same output.
 * @param images [N, C, ...window] float32. @param masks [N, R, ...window] uint8, or null for images without masks.
 * @returns [N, C, ...size] float32 and [N, R, ...size] uint8; the caller frees them.
 * @throws SeptumError `augment-shape` when batch sizes disagree, `augment-colour`.
 */
export function applyAugmentation<M extends Tensor | null>(
  images: Tensor,
  masks: M,
  parameters: readonly CaseParameters[],
  { size, interpolation = 'bilinear', spacingMm, valueRange = [0, 1] }: ApplyOptions,
): { images: Tensor; masks: M } {
  const [batch, , ...window] = images.shape
  const [maskBatch, , ...maskWindow] = masks?.shape ?? images.shape
  const fits =
    batch === maskBatch &&
    window.every((side, axis) => side === maskWindow[axis]) &&
    batch === parameters.length
  if (!fits || window.length !== size.length) {
    throw new SeptumError(
      'augment-shape',
      `Images [${images.shape}], masks [${masks?.shape}] and ${parameters.length} parameter sets do not fit together`,
      'Give one mask stack and one parameter set for each image, of the same size.',
    )
  }
  return scope(() => {
    // Mirror images and quarter turns alone are copied there instead of sampled.
    const turned = parameters.some(({ degrees }) => degrees !== 0)
    const flat = masks !== null && size.length === 2 && turned && parameters.every(({ spatial }) => !spatial)
    const moved = flat
      ? transformTogether(images, masks, parameters, size as [number, number], interpolation)
      : transformSpatial(images, masks, parameters, size, interpolation, spacingMm)
    const scaled = scaleIntensity(moved.images, parameters, valueRange)
    const appearances = parameters.map(({ appearance }) => appearance)
    return { images: changeAppearance(scaled, appearances, valueRange), masks: moved.masks as M }
  })
}
