import { type Tensor, tensor } from '@septum/torch'
import type { CaseParameters } from './parameters.js'

/**
 * Scales contrast about the mean of each image, then brightness, and cuts to [0, 1].
 * @param images [N, C, H, W] in [0, 1]. @returns the same shape; `images` itself when all factors are 1.
 */
export function scaleIntensity(
  images: Tensor,
  parameters: readonly Pick<CaseParameters, 'brightness' | 'contrast'>[],
): Tensor {
  if (parameters.every(({ brightness, contrast }) => brightness === 1 && contrast === 1)) return images
  const column = (values: readonly number[]) =>
    tensor(Float32Array.from(values), { shape: [values.length, 1, 1, 1], device: images.device })
  // brightness (contrast (x - mean) + mean), as one factor and one summand an image
  const factor = column(parameters.map(({ brightness, contrast }) => brightness * contrast))
  const rest = column(parameters.map(({ brightness, contrast }) => brightness * (1 - contrast)))
  const summand = images.mean([1, 2, 3], true).mul(rest)
  return images.mul(factor).add_(summand).clamp_(0, 1)
}
