import type { DicomFile } from '../file.js'
import type { PixelLayout } from '../pixel-layout.js'
import type { PixelCoding } from '../transfer-syntax.js'
import { decodeNative } from './native.js'
import { packedFrames } from './packed-frames.js'
import { decodeRle } from './rle.js'
import type { DecodedFrame } from './stored.js'

/** Codings that need a library, another one in a browser than in Node. */
export type CompressedCoding = Exclude<PixelCoding, 'native' | 'rle'>

/** Decodes one compressed frame. @throws SeptumError `dicom-broken`, `dicom-unsupported`. */
export type CompressedDecoder = (
  coding: CompressedCoding,
  bytes: Uint8Array,
  layout: PixelLayout,
  file: string,
) => Promise<DecodedFrame>

/**
 * Opens the pixel data of a file.
 * @returns a function that decodes frame `index`.
 * @throws SeptumError `dicom-broken`, `dicom-pixels-short` or `dicom-unsupported`; so does the function.
 */
export async function openFrames(
  dicom: DicomFile,
  layout: PixelLayout,
  compressed: CompressedDecoder,
): Promise<(index: number) => Promise<DecodedFrame>> {
  const packed = await packedFrames(dicom, layout)
  const { file } = dicom.source
  return async (index) => {
    const bytes = packed(index)
    const { coding } = dicom.syntax
    switch (coding) {
      case 'native':
        return decodeNative(bytes, layout, dicom.syntax.encoding.littleEndian, index)
      case 'rle':
        return decodeRle(bytes, layout, file)
      default:
        return compressed(coding, bytes, layout, file)
    }
  }
}
