import type { PixelLayout } from '../pixel-layout.js'
import { broken } from '../problem.js'
import { decodeExtendedJpeg } from './jpeg/extended.js'
import { decodeLosslessJpeg } from './jpeg/lossless.js'
import { type JpegFrame, readJpeg } from './jpeg/segments.js'
import type { DecodedFrame } from './stored.js'

/** Longest width or height that a decoder is asked for is checked against the data set before it is called. */
export function checkSize(
  size: { rows: number; columns: number; samples: number },
  layout: PixelLayout,
  file: string,
): void {
  if (size.rows !== layout.rows || size.columns !== layout.columns || size.samples !== layout.samples) {
    broken(file, 'the size of its compressed picture is not that of its header')
  }
}

export function checkJpeg({ rows, columns, components }: JpegFrame, layout: PixelLayout, file: string): void {
  checkSize({ rows, columns, samples: components.length }, layout, file)
}

/**
 * Decodes the JPEG processes of medicine without a library: lossless, and lossy of 12 bits.
 * @returns undefined for 8-bit lossy pictures, which every platform decodes faster.
 * @throws SeptumError `dicom-broken`, `dicom-unsupported`.
 */
export function decodeOwnJpeg(
  lossless: boolean,
  bytes: Uint8Array,
  layout: PixelLayout,
  file: string,
): DecodedFrame | undefined {
  const { frame } = readJpeg(bytes, file, true)
  checkJpeg(frame, layout, file)
  if (frame.process === 3) return { samples: decodeLosslessJpeg(readJpeg(bytes, file), file) }
  if (lossless) broken(file, 'its JPEG data is not of the kind that its header names')
  return frame.precision === 8 ? undefined : { samples: decodeExtendedJpeg(readJpeg(bytes, file), file) }
}
