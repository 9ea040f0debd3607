import { type MedicalImage, SeptumError } from '@septum/core'
import sharp from 'sharp'
import type { ImageHeader } from '../../formats/index.js'

/** Pixels of a mask that a data set keeps as GIF; DRIVE's have 565 x 584. */
const MOST_PIXELS = 2 ** 24

/** Reads the header of the first frame. @throws SeptumError `picture-broken`. */
export async function readGifHeader(file: string): Promise<ImageHeader> {
  const { width, height } = await sharp(file, { limitInputPixels: MOST_PIXELS })
    .metadata()
    .catch((cause: unknown) => {
      throw broken(file, cause)
    })
  return { format: 'GIF', shape: [1, height, width], maxValue: 255, sampleType: 'uint8', notes: [] }
}

/** Reads a grey mask: the red values of the first frame's palette colours. @throws SeptumError `picture-broken`. */
export async function readGif(file: string): Promise<MedicalImage> {
  const { data, info } = await sharp(file, { limitInputPixels: MOST_PIXELS, failOn: 'error' })
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => {
      throw broken(file, cause)
    })
  const { width, height, channels } = info
  const grey = new Uint8Array(width * height)
  for (let i = 0; i < grey.length; i++) grey[i] = data[i * channels]!
  return { data: grey, shape: [1, height, width], maxValue: 255 }
}

const broken = (file: string, cause: unknown) =>
  new SeptumError(
    'picture-broken',
    'The GIF is damaged or cut off',
    'Copy it again from its source.',
    { file },
    { cause },
  )
