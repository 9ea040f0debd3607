import { access } from 'node:fs/promises'
import type { MedicalImage } from '@septum/core'
import sharp from 'sharp'
import { type PictureHeader, type PictureLimits, pictureLimits, readPictureHeader } from './header.js'
import { unreadable } from './problem.js'

/** A decoded picture: values exactly as stored, shape [C, H, W] with C = 1 (grey) or 3 (RGB). */
export interface Picture extends MedicalImage {
  readonly data: Uint8Array | Uint16Array
  readonly shape: readonly [number, number, number]
}

/**
 * Reads a PNG or JPEG of 1 to 16 bits, grey or RGB.
 *
 * Values come out as stored: no colour profile, no gamma and no scaling is applied (a 4-bit grey PNG gives
 * 0 to 15 and `maxValue` 15), palettes are expanded to RGB, alpha is dropped. EXIF orientation is not
 * applied, to images and masks alike: masks are aligned with the stored pixels, and PNG masks carry none.
 *
 * @throws SeptumError as `readPictureHeader`; also `picture-broken` for pixels that are cut off or damaged.
 */
export async function readPicture(file: string, limits: PictureLimits = pictureLimits): Promise<Picture> {
  return decodePicture(file, await readPictureHeader(file, limits))
}

/**
 * Decodes a picture whose header is known, in one trip to the decoder's threads, so that it makes progress
 * while the main thread computes.
 */
export async function decodePicture(file: string, header: PictureHeader): Promise<Picture> {
  const { width, height, channels, bitDepth } = header
  const deep = bitDepth === 16
  const space = channels === 1 ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb'
  const decoded = await sharp(file, { failOn: 'error', limitInputPixels: false, ignoreIcc: true })
    .removeAlpha()
    .toColourspace(space)
    .raw({ depth: deep ? 'ushort' : 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch(async (cause: unknown) => {
      // libvips says the same for a file that vanished and for one that is damaged.
      await access(file).catch((missing: unknown) => {
        throw unreadable(file, missing)
      })
      throw unreadable(file, cause)
    })
  const { data: bytes, info } = decoded
  if (info.width !== width || info.height !== height || info.channels !== channels) {
    throw unreadable(file, new Error('its pixels do not agree with its header'))
  }
  const pixels = width * height
  const interleaved = deep
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, pixels * channels)
    : new Uint8Array(bytes.buffer, bytes.byteOffset, pixels * channels)
  const data = channels === 1 ? interleaved : toPlanes(interleaved, channels, pixels)
  const shape = [channels, height, width] as const
  if (channels === 3 || bitDepth >= 8) return { data, shape, maxValue: deep ? 65535 : 255 }
  // The decoder stretches 1-, 2- and 4-bit greys to 255; labels must come back as they were stored.
  const maxValue = 2 ** bitDepth - 1
  return { data: data.map((value) => Math.round((value * maxValue) / 255)), shape, maxValue }
}

function toPlanes(interleaved: Uint8Array | Uint16Array, channels: number, pixels: number) {
  const planes =
    interleaved instanceof Uint16Array
      ? new Uint16Array(interleaved.length)
      : new Uint8Array(interleaved.length)
  for (let channel = 0; channel < channels; channel++) {
    const offset = channel * pixels
    for (let pixel = 0; pixel < pixels; pixel++)
      planes[offset + pixel] = interleaved[pixel * channels + channel]!
  }
  return planes
}
