import type { MedicalImage } from '@septum/core'
import { broken, checkPixels } from './limits.js'

export const isJpeg = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff

/**
 * Decodes a JPEG with the browser's decoder to its stored values: orientation and colour profile are cut out
 * first, because masks belong to the stored pixels. A picture whose channels are all equal becomes grey.
 * @returns [1 or 3, H, W], 8 bits. @throws SeptumError `viewer-broken`, `viewer-too-large`.
 */
export async function readJpeg(bytes: Uint8Array, file: string): Promise<MedicalImage> {
  const { plain, width, height } = stripped(bytes, file)
  checkPixels(width, height, file)
  const bitmap = await createImageBitmap(new Blob([plain as BlobPart], { type: 'image/jpeg' }), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  }).catch(() => {
    throw broken(file)
  })
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height)
  const context = canvas.getContext('2d', { willReadFrequently: true })!
  context.drawImage(bitmap, 0, 0)
  bitmap.close()
  return fromRgba(context.getImageData(0, 0, canvas.width, canvas.height))
}

/** The file without EXIF (APP1) and colour profile (APP2), and its size from the frame header. */
export function stripped(
  bytes: Uint8Array,
  file: string,
): { readonly plain: Uint8Array; readonly width: number; readonly height: number } {
  const kept: Uint8Array[] = [bytes.subarray(0, 2)]
  let [width, height] = [0, 0]
  let at = 2
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1]!
    if (marker === 0xff) {
      at++
      continue
    }
    const length = (bytes[at + 2]! << 8) | bytes[at + 3]!
    const segment = bytes.subarray(at, at + 2 + length)
    const frame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)
    if (frame) {
      height = (segment[5]! << 8) | segment[6]!
      width = (segment[7]! << 8) | segment[8]!
    }
    if (marker === 0xda) break
    if (marker !== 0xe1 && marker !== 0xe2) kept.push(segment)
    at += 2 + length
  }
  if (width === 0 || height === 0) throw broken(file)
  kept.push(bytes.subarray(at))
  const plain = new Uint8Array(kept.reduce((sum, part) => sum + part.length, 0))
  let filled = 0
  for (const part of kept) {
    plain.set(part, filled)
    filled += part.length
  }
  return { plain, width, height }
}

function fromRgba({ data, width, height }: ImageData): MedicalImage {
  const pixels = width * height
  const planes = new Uint8Array(3 * pixels)
  let grey = true
  for (let i = 0; i < pixels; i++) {
    const [r, g, b] = [data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!]
    planes[i] = r
    planes[pixels + i] = g
    planes[2 * pixels + i] = b
    grey &&= r === g && g === b
  }
  return {
    data: grey ? planes.slice(0, pixels) : planes,
    shape: [grey ? 1 : 3, height, width],
    maxValue: 255,
  }
}
