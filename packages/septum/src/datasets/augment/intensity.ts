import { type Tensor, tensor } from '@septum/torch'
import type { CaseParameters } from './parameters.js'

/**
 * Scales contrast about the mean of each image, then brightness, and cuts to the range of values.
 * @param images [N, C, ...size]. @returns the same shape; `images` itself when all factors are 1.
 */
export function scaleIntensity(
  images: Tensor,
  parameters: readonly Pick<CaseParameters, 'brightness' | 'contrast'>[],
  range: readonly [number, number] | null = [0, 1],
): Tensor {
  if (parameters.every(({ brightness, contrast }) => brightness === 1 && contrast === 1)) return images
  const axes = images.shape.slice(1).map((_, axis) => axis + 1)
  const column = (values: readonly number[]) =>
    tensor(Float32Array.from(values), { shape: [values.length, ...axes.map(() => 1)], device: images.device })
  // brightness (contrast (x - mean) + mean), as one factor and one summand an image
  const factor = column(parameters.map(({ brightness, contrast }) => brightness * contrast))
  const rest = column(parameters.map(({ brightness, contrast }) => brightness * (1 - contrast)))
  const summand = images.mean(axes, true).mul(rest)
  const scaled = images.mul(factor).add_(summand)
  return range ? scaled.clamp_(...range) : scaled
}
