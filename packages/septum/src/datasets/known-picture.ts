import type { MedicalImage } from '@septum/core'
import { decodePicture } from '../formats/index.js'
import type { SegmentationCase } from './dataset.js'

/**
 * Decodes the PNG or JPEG of a case whose header was read when the data set was opened: one trip to the decoder's
 * threads instead of four, and no second look at the header. The decoder still checks size and channels.
 * @returns undefined for everything else, which `readCaseImage` reads.
 * @throws SeptumError as `readPicture`.
 */
export function readKnownImage({ images }: SegmentationCase): Promise<MedicalImage> | undefined {
  const [first] = images
  if (images.length !== 1 || !first) return undefined
  const { file, part, reader, more, slicesAreChannels, header } = first
  const { format, shape, maxValue } = header
  if (part !== undefined || reader || more || slicesAreChannels || shape.length !== 3) return undefined
  if (format !== 'PNG' && format !== 'JPEG') return undefined
  const [channels, height, width] = shape as [1 | 3, number, number]
  const kind = format === 'PNG' ? 'png' : 'jpeg'
  const bitDepth = Math.log2(maxValue + 1)
  return decodePicture(file, { format: kind, width, height, channels, bitDepth, orientation: 1 })
}
