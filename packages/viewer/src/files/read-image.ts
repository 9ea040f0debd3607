import type { ImageGeometry, ImageSamples, MedicalImage } from '@septum/core'
import { largestValue } from 'septum/browser'

/** An image of a file, and what was assumed of it. */
export interface ReadImage {
  readonly image: MedicalImage
  readonly notes: readonly string[]
}

/**
 * Samples in their shape and place: a volume of one slice is a picture with a place.
 * @param shape [C, D, H, W] or [C, H, W].
 */
export function imageOf(
  data: ImageSamples,
  shape: readonly number[],
  geometry: ImageGeometry | undefined,
): MedicalImage {
  const [channels, depth, ...plane] = shape as [number, number, ...number[]]
  const flat = plane.length === 2 && depth === 1
  const place = flat && geometry ? planeOf(geometry) : geometry
  return {
    data,
    shape: flat ? [channels, ...plane] : shape,
    ...(place && { geometry: place }),
    maxValue: largestValue(data),
  }
}

const planeOf = ({ spacingMm, originMm, directions }: ImageGeometry): ImageGeometry => ({
  spacingMm: spacingMm.slice(-2),
  originMm,
  directions: directions.slice(-2),
})
