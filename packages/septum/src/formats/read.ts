import { readFileSync, statSync } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { isMainThread } from 'node:worker_threads'
import type { MedicalImage } from '@septum/core'
import sharp from 'sharp'
import { type PictureHeader, type PictureLimits, pictureLimits, readPictureHeader } from './header.js'
import { decodeLabelPng } from './pictures/label-png.js'
import { toPlanes } from './pictures/planes.js'
import { unreadable } from './problem.js'

// Several pictures are decoded at once, so one thread does for each; and what is kept of earlier ones is never asked for.
sharp.concurrency(1)
sharp.cache(false)

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

/** Larger files are read by the decoder, piece by piece. */
const MOST_BYTES = 2 ** 26
/**
 * Smaller ones are read at once. Each of the four steps of reading elsewhere would wait for the main thread, which in
 * training answers once a step: a batch that is read ahead would not be there when its turn comes.
 */
const SMALL_BYTES = 2 ** 20

/**
 * Decodes a picture whose header is known on the decoder's threads, so that it makes progress while the main thread
 * computes. Label maps, whose decoding takes less time than going there, are decoded here.
 */
export async function decodePicture(file: string, header: PictureHeader): Promise<Picture> {
  const { format, width, height, channels, bitDepth } = header
  // The decoder takes a sixth longer over a file than over its bytes.
  const bytes = await bytesOf(file)
  if (bytes && format === 'png' && bitDepth <= 8) {
    const data = decodeLabelPng(bytes, width, height)
    if (data?.length === channels * width * height) {
      return { data, shape: [channels, height, width], maxValue: channels === 3 ? 255 : 2 ** bitDepth - 1 }
    }
  }
  const deep = bitDepth === 16
  const space = channels === 1 ? (deep ? 'grey16' : 'b-w') : deep ? 'rgb16' : 'srgb'
  const decoded = await sharp(bytes ?? file, { failOn: 'error', limitInputPixels: false, ignoreIcc: true })
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
  const { data: raw, info } = decoded
  if (info.width !== width || info.height !== height || info.channels !== channels) {
    throw unreadable(file, new Error('its pixels do not agree with its header'))
  }
  const length = width * height * channels
  const interleaved = deep
    ? new Uint16Array(raw.buffer, raw.byteOffset, length)
    : new Uint8Array(raw.buffer, raw.byteOffset, length)
  const data = channels === 1 ? interleaved : toPlanes(interleaved)
  const shape = [channels, height, width] as const
  if (channels === 3 || bitDepth >= 8) return { data, shape, maxValue: deep ? 65535 : 255 }
  // The decoder stretches 1-, 2- and 4-bit greys to 255; labels must come back as they were stored.
  const maxValue = 2 ** bitDepth - 1
  return { data: data.map((value) => Math.round((value * maxValue) / 255)), shape, maxValue }
}

/** The content of a file; undefined where the decoder had better read it itself. */
async function bytesOf(file: string): Promise<Uint8Array | undefined> {
  try {
    const { size } = statSync(file)
    if (size === 0 || size > MOST_BYTES) return undefined
    return size > SMALL_BYTES && isMainThread ? await readFile(file) : readFileSync(file)
  } catch (cause) {
    throw unreadable(file, cause)
  }
}
