import type { ImageSamples, MedicalImage } from '@septum/core'
import type { ReadLimits } from '../formats/index.js'
import type { SegmentationCase } from './dataset.js'
import { readSource } from './sources.js'

/**
 * Reads the image of a case: the channels of its files, joined in their order. Files of one sample type keep it;
 * others become float32 (float64 where one has 32 or more bits).
 * @returns samples of shape `entry.shape`.
 * @throws SeptumError as `readSource`.
 */
export async function readCaseImage(
  entry: Pick<SegmentationCase, 'images' | 'shape' | 'geometry'>,
  limits: Partial<ReadLimits> = {},
): Promise<MedicalImage> {
  const { images, shape, geometry } = entry
  const found: MedicalImage[] = []
  // One after another: a case with many channels must not hold them all twice.
  for (const image of images) found.push(await readSource(image, limits))
  const [first] = found as [MedicalImage, ...MedicalImage[]]
  const place = geometry ? { geometry } : {}
  if (found.length === 1) return { data: first.data, shape, maxValue: first.maxValue, ...place }
  const data = joined(found.map((image) => image.data))
  return { data, shape, maxValue: Math.max(...found.map((image) => image.maxValue)), ...place }
}

function joined(parts: readonly ImageSamples[]): ImageSamples {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const [first] = parts as [ImageSamples]
  const same = parts.every((part) => part.constructor === first.constructor)
  const wide = parts.some(
    (part) => part.BYTES_PER_ELEMENT > 4 || part instanceof Int32Array || part instanceof Uint32Array,
  )
  const out = same
    ? new (first.constructor as new (size: number) => ImageSamples)(length)
    : wide
      ? new Float64Array(length)
      : new Float32Array(length)
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
