import { SeptumError } from '@septum/core'
import { pictureLimits } from '../header.js'
import { unreadable } from '../problem.js'

/** A picture that contradicts itself or ends too early. */
export function broken(file: string, what: string): never {
  throw unreadable(file, new Error(what))
}

/** A valid picture of a kind that is not read. */
export function unsupported(file: string, what: string): never {
  throw new SeptumError(
    'picture-unsupported',
    `The picture uses ${what}, which is not supported`,
    'Save it as PNG, or as TIFF without compression.',
    { file },
  )
}

/**
 * Holds the size of a picture against the limits for all pictures, and its decoded bytes against the reader's.
 * @param bytes of all samples.
 */
export function checkSize(
  width: number,
  height: number,
  bytes: number,
  maxBytes: number,
  file: string,
): void {
  const { side, pixels } = pictureLimits
  if (Math.max(width, height) <= side && width * height <= pixels && bytes <= maxBytes) return
  throw new SeptumError(
    'picture-too-large',
    `The picture has ${width} x ${height} pixels and takes ${Math.ceil(bytes / 2 ** 20)} MB, more than the limit of ` +
      `${side} a side, ${Math.floor(pixels / 1e6)} million in all or ${Math.floor(maxBytes / 2 ** 20)} MB`,
    'Cut it into tiles or scale it down first.',
    { file },
  )
}
