import { SeptumError } from './error.js'

/** Sample types in which medical images are kept; no value is changed when a file is read. */
export type ImageSamples = Uint8Array | Uint16Array | Int16Array | Float32Array

/** A picture or a volume in memory, row-major with the last axis fastest. */
export interface MedicalImage {
  readonly data: ImageSamples
  /** Channels first: [C, H, W] or [C, D, H, W]. */
  readonly shape: readonly number[]
  /** Distance between neighbouring samples along each spatial axis of `shape`, in millimetres. */
  readonly spacingMm?: readonly number[]
  /** Largest value that the format can hold (255, 65535, 1): dividing by it maps pictures to [0, 1]. */
  readonly maxValue: number
}

/**
 * Checks that data, shape and spacing agree.
 * @returns the image itself.
 * @throws SeptumError `image-shape`, `image-spacing` or `image-range`.
 */
export function checkImage(image: MedicalImage): MedicalImage {
  const { data, shape, spacingMm, maxValue } = image
  const whole = shape.every((size) => Number.isInteger(size) && size > 0)
  const values = shape.reduce((product, size) => product * size, 1)
  if (shape.length < 3 || shape.length > 4 || !whole || values !== data.length) {
    throw new SeptumError(
      'image-shape',
      `An image of shape [${shape.join(', ')}] cannot hold ${data.length} values`,
      'Give [channels, height, width] or [channels, depth, height, width] whose product is the data length.',
    )
  }
  if (
    spacingMm &&
    (spacingMm.length !== shape.length - 1 || !spacingMm.every((mm) => mm > 0 && mm < Infinity))
  ) {
    throw new SeptumError(
      'image-spacing',
      `Spacing [${spacingMm.join(', ')}] does not fit an image of shape [${shape.join(', ')}]`,
      'Give one positive distance in millimetres for each spatial axis.',
    )
  }
  if (!(maxValue > 0 && maxValue < Infinity)) {
    throw new SeptumError(
      'image-range',
      `The largest value ${maxValue} is no positive number`,
      'Give 255 for 8-bit, 65535 for 16-bit images, 1 for values already in [0, 1].',
    )
  }
  return image
}
