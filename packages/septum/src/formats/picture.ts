import type { ImageFormat } from './format.js'
import { pictureLimits, readPictureHeader } from './header.js'
import { readPicture } from './read.js'

/** PNG and JPEG: samples as stored, no geometry. */
export const pictureFormat: ImageFormat = {
  name: 'picture',
  extensions: ['.png', '.jpg', '.jpeg'],
  recognises: (head) =>
    (head[0] === 0x89 && head[1] === 0x50 && head[2] === 0x4e && head[3] === 0x47) ||
    (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff),
  async readHeader(file, { maxBytes }) {
    const header = await readPictureHeader(file, within(maxBytes))
    const { format, channels, width, height, bitDepth } = header
    return {
      format: format.toUpperCase(),
      shape: [channels, height, width],
      maxValue: 2 ** bitDepth - 1,
      sampleType: bitDepth === 16 ? 'uint16' : 'uint8',
      notes: header.orientation === 1 ? [] : ['The EXIF orientation is not applied.'],
    }
  },
  read: (file, { maxBytes }) => readPicture(file, within(maxBytes)),
}

/** A pixel takes up to 6 bytes: three channels of 16 bits. */
function within(maxBytes: number) {
  return { ...pictureLimits, pixels: Math.min(pictureLimits.pixels, Math.floor(maxBytes / 6)) }
}
