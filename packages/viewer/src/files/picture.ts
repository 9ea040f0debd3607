import { type MedicalImage, SeptumError } from '@septum/core'
import type { SourceSeries } from 'septum/browser'
import { isJpeg, readJpeg } from './jpeg.js'
import { checkBytes } from './limits.js'
import { isPng, readPng } from './png.js'

/** Where an image comes from and under which terms, shown beside it. */
export interface Credit {
  readonly text: string
  readonly licence: string
  readonly url: string
}

export interface OpenPicture {
  readonly name: string
  /** [1 or 3, H, W], values as stored. */
  readonly image: MedicalImage
  /** One label map [H, W] a rater: 0 background, i + 1 class i. */
  readonly raters: readonly Uint8Array[]
  readonly credit?: Credit
  /** Sentences on what was assumed of the file. */
  readonly notes?: readonly string[]
  /** Values that are shown as black and white at first. */
  readonly window?: readonly [number, number]
  /** What a DICOM segmentation of it refers to. */
  readonly dicom?: SourceSeries
  /** The picture as it was opened, and its name on the server: what a server is given. */
  readonly file?: Blob
  readonly reference?: string
}

export const heightOf = ({ image }: OpenPicture): number => image.shape[1]!
export const widthOf = ({ image }: OpenPicture): number => image.shape[2]!

/**
 * Reads a PNG or JPEG by its content, whatever its name says.
 * @throws SeptumError `viewer-not-an-image`, `viewer-broken`, `viewer-too-large`.
 */
export async function readPictureFile(file: File): Promise<MedicalImage> {
  checkBytes(file.size, file.name)
  const bytes = new Uint8Array(await file.arrayBuffer())
  if (isPng(bytes)) return readPng(bytes, file.name)
  if (isJpeg(bytes)) return readJpeg(bytes, file.name)
  throw new SeptumError(
    'viewer-not-an-image',
    'This file is neither a picture nor a volume that the viewer can read',
    'Open PNG, JPEG, NIfTI or DICOM files.',
    { file: file.name },
  )
}

/**
 * Masks of raters, one picture each: anything but 0 is marked, or the class number with several classes.
 * @throws SeptumError `viewer-mask-size` when a mask has another size than the image.
 */
export async function readRaterFiles(files: readonly File[], picture: OpenPicture): Promise<Uint8Array[]> {
  const masks: Uint8Array[] = []
  for (const file of files) {
    const { data, shape, maxValue } = await readPictureFile(file)
    const [, height, width] = shape
    if (height !== heightOf(picture) || width !== widthOf(picture)) {
      throw new SeptumError(
        'viewer-mask-size',
        `The mask has ${width} × ${height} pixels, the image ${widthOf(picture)} × ${heightOf(picture)}`,
        'Open masks that were drawn on this image.',
        { file: file.name },
      )
    }
    masks.push(labelsOf(data.subarray(0, height! * width!), maxValue))
  }
  return masks
}

/** Masks are written as 0 and 1, as 0 and the largest value, or as class numbers. */
function labelsOf(values: MedicalImage['data'], maxValue: number): Uint8Array {
  const binary = values.every((value) => value === 0 || value === maxValue)
  return Uint8Array.from(values, (value) => (binary ? Number(value > 0) : value))
}
