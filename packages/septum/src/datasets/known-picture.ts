import type { MedicalImage } from '@septum/core'
import { decodePicture } from '../formats/index.js'
import type { ImageFile } from './sources.js'

/**
 * Decodes a PNG or JPEG whose header was read when the data set was opened: one trip to the file instead of three,
 * and no second look at the header. The decoder still checks size and channels.
 * @returns undefined for everything else, which `readSource` reads.
 * @throws SeptumError as `readPicture`.
 */
export function readKnownPicture(source: ImageFile): Promise<MedicalImage> | undefined {
  const { file, part, reader, more, slicesAreChannels, header } = source
  const { format, shape, maxValue } = header
  if (part !== undefined || reader || more || slicesAreChannels || shape.length !== 3) return undefined
  if (format !== 'PNG' && format !== 'JPEG') return undefined
  const [channels, height, width] = shape as [1 | 3, number, number]
  const kind = format === 'PNG' ? 'png' : 'jpeg'
  const bitDepth = Math.log2(maxValue + 1)
  return decodePicture(file, { format: kind, width, height, channels, bitDepth, orientation: 1 })
}
