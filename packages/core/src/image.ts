import { SeptumError } from './error.js'
import { checkGeometry, type ImageGeometry } from './geometry/geometry.js'

/** Sample types in which medical images are kept; no value is changed when a file is read. */
export type ImageSamples =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array

/** A picture or a volume in memory, row-major with the last axis fastest. */
export interface MedicalImage {
  readonly data: ImageSamples
  /** Channels first: [C, H, W] or [C, D, H, W]. The frames of a time series are channels. */
  readonly shape: readonly number[]
  /** Where the samples lie in the patient; absent for photographs. */
  readonly geometry?: ImageGeometry
  /**
   * Largest value that the format can hold (255, 65535): dividing by it maps pictures to [0, 1]. 1 for floats and
   * signed numbers such as CT, whose range no format fixes.
   */
  readonly maxValue: number
}

/**
 * Checks that data, shape and geometry agree.
 * @returns the image itself.
 * @throws SeptumError `image-shape`, `image-spacing`, `image-geometry` or `image-range`.
 */
export function checkImage(image: MedicalImage): MedicalImage {
  const { data, shape, geometry, maxValue } = image
  const whole = shape.every((size) => Number.isInteger(size) && size > 0)
  const values = shape.reduce((product, size) => product * size, 1)
  if (shape.length < 3 || shape.length > 4 || !whole || values !== data.length) {
    throw new SeptumError(
      'image-shape',
      `An image of shape [${shape.join(', ')}] cannot hold ${data.length} values`,
      'Give [channels, height, width] or [channels, depth, height, width] whose product is the data length.',
    )
  }
  if (geometry) checkGeometry(geometry, shape.length - 1)
  if (!(maxValue > 0 && maxValue < Infinity)) {
    throw new SeptumError(
      'image-range',
      `The largest value ${maxValue} is no positive number`,
      'Give 255 for 8-bit, 65535 for 16-bit images, 1 for values already in [0, 1].',
    )
  }
  return image
}
