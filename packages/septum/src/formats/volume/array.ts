import { type ImageSamples, type MedicalImage, SeptumError } from '@septum/core'
import type { ImageHeader } from '../format.js'
import { channelsFirst } from './grid.js'
import { unsupported } from './problem.js'
import { largestValue, type SampleType, typeOfSamples } from './samples.js'

/** A named array of a .npz or HDF5 file, row-major. */
export interface NumericArray {
  readonly data: ImageSamples
  readonly shape: readonly number[]
}

/** What is known of an array before its values are read. */
export interface ArrayHeader {
  readonly shape: readonly number[]
  readonly sampleType: SampleType
}

/**
 * How an array without names of axes is taken as an image: [H, W]; [D, H, W], but [H, W, 3] of uint8 as RGB;
 * [C, D, H, W].
 * @returns the image's shape, and whether colours are the last axis of the array.
 * @throws SeptumError `volume-unsupported` for other numbers of axes.
 */
export function imageShape(
  { shape, sampleType }: ArrayHeader,
  file: string,
): { shape: number[]; rgb: boolean } {
  if (shape.length === 2) return { shape: [1, ...shape], rgb: false }
  if (shape.length === 3) {
    const rgb = sampleType === 'uint8' && shape[2] === 3
    return { shape: rgb ? [3, shape[0]!, shape[1]!] : [1, ...shape], rgb }
  }
  if (shape.length === 4) return { shape: [...shape], rgb: false }
  throw unsupported(file, `An array of ${shape.length} axes is no image`, 'Save it with two to four axes.')
}

/** Names under which the benchmarks keep their images, best first. */
const imageNames = ['image', 'img', 'data', 'raw', 'volume', 'arr_0']

/**
 * The array that is the image: one of the usual names, or the only one.
 * @throws SeptumError `volume-unsupported` when that is not clear.
 */
export function chooseImage(names: readonly string[], file: string): string {
  const found = imageNames.find((name) => names.includes(name)) ?? (names.length === 1 ? names[0] : undefined)
  if (found !== undefined) return found
  throw unsupported(
    file,
    `None of its ${names.length} arrays is called "image"`,
    'Call the array of samples "image".',
  )
}

/** An array that a file does not have. */
export function missingArray(file: string, name: string, names: readonly string[]): SeptumError {
  return new SeptumError(
    'volume-array',
    `The file has no array "${name}"`,
    names.length > 0
      ? `Name one of its ${names.length} arrays: ${names.slice(0, 8).join(', ')}.`
      : 'It holds none.',
    { file },
  )
}

/** The header of an array that is taken as an image. */
export function arrayImageHeader(format: string, array: ArrayHeader, file: string): ImageHeader {
  const { shape, rgb } = imageShape(array, file)
  return {
    format,
    shape,
    maxValue: largestValue(array.sampleType),
    sampleType: array.sampleType,
    notes: rgb ? ['The last axis was taken as RGB.'] : [],
  }
}

/** An array as an image, by the rule of `imageShape`. */
export function arrayImage({ data, shape }: NumericArray, file: string): MedicalImage {
  const taken = imageShape({ shape, sampleType: typeOfSamples(data) }, file)
  const samples = taken.rgb ? channelsFirst(data, 3, 1) : data
  return { data: samples, shape: taken.shape, maxValue: largestValue(samples) }
}
