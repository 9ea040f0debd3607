import type { DicomFile } from '../file.js'
import type { PixelLayout } from '../pixel-layout.js'
import { decodeJpeg, decodeJpeg2000, decodeJpegLs, decodeLossless } from './compressed.js'
import { decodeNative } from './native.js'
import { packedFrames } from './packed-frames.js'
import { decodeRle } from './rle.js'
import type { DecodedFrame } from './stored.js'

/**
 * Opens the pixel data of a file.
 * @returns a function that decodes frame `index`.
 * @throws SeptumError `dicom-broken`, `dicom-pixels-short` or `dicom-unsupported`; so does the function.
 */
export async function openFrames(
  dicom: DicomFile,
  layout: PixelLayout,
): Promise<(index: number) => Promise<DecodedFrame>> {
  const packed = await packedFrames(dicom, layout)
  const { file } = dicom.source
  return async (index) => {
    const bytes = packed(index)
    switch (dicom.syntax.coding) {
      case 'native':
        return decodeNative(bytes, layout, dicom.syntax.encoding.littleEndian, index)
      case 'rle':
        return decodeRle(bytes, layout, file)
      case 'jpeg':
      case 'jpeg-extended':
        return decodeJpeg(bytes, layout, file)
      case 'jpeg-lossless':
        return decodeLossless(bytes, layout, file)
      case 'jpeg-ls':
        return decodeJpegLs(bytes, layout, file)
      case 'jpeg-2000':
        return decodeJpeg2000(bytes, layout, file)
    }
  }
}
