import sharp from 'sharp'
import type { PixelLayout } from '../pixel-layout.js'
import { broken } from '../problem.js'
import type { CompressedDecoder } from './decode.js'
import { readJpeg } from './jpeg/segments.js'
import { checkJpeg, checkSize, decodeOwnJpeg } from './own-jpeg.js'
import { type DecodedFrame, interleavePlanes } from './stored.js'
import { type CodecResult, runCodec } from './wasm.js'

/** Decodes what is neither native nor RLE, in Node. @throws SeptumError `dicom-broken`, `dicom-unsupported`. */
export const decodeCompressed: CompressedDecoder = async (coding, bytes, layout, file) => {
  switch (coding) {
    case 'jpeg':
    case 'jpeg-extended':
    case 'jpeg-lossless':
      return decodeOwnJpeg(coding === 'jpeg-lossless', bytes, layout, file) ?? decodeJpeg(bytes, layout, file)
    case 'jpeg-ls':
      return decodeJpegLs(bytes, layout, file)
    case 'jpeg-2000':
      return decodeJpeg2000(bytes, layout, file)
  }
}

/** Lossy JPEG of 8 bits by libjpeg. */
async function decodeJpeg(bytes: Uint8Array, layout: PixelLayout, file: string): Promise<DecodedFrame> {
  const colour = layout.samples === 3
  const { data, info } = await sharp(colour ? withColourModel(bytes, layout) : bytes, {
    failOn: 'error',
    limitInputPixels: false,
    ignoreIcc: true,
  })
    .toColourspace(colour ? 'srgb' : 'b-w')
    .raw()
    .toBuffer({ resolveWithObject: true })
    .catch((cause: unknown) => broken(file, 'its JPEG data cannot be decoded', cause))
  checkSize({ rows: info.height, columns: info.width, samples: info.channels }, layout, file)
  return { samples: new Uint8Array(data.buffer, data.byteOffset, data.length), rgb: colour }
}

/**
 * libjpeg takes three colours without a marker for YCbCr. DICOM says which they are, so an Adobe marker that says
 * the same is put before pictures that have neither it nor JFIF's.
 */
function withColourModel(bytes: Uint8Array, { photometric }: PixelLayout): Uint8Array {
  const marked = bytes[2] === 0xff && (bytes[3] === 0xe0 || bytes[3] === 0xee)
  if (marked || photometric !== 'RGB') return bytes
  const adobe = [0xff, 0xee, 0, 14, ...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0]
  return Buffer.concat([bytes.subarray(0, 2), Uint8Array.from(adobe), bytes.subarray(2)])
}

/** JPEG-LS by CharLS (ITU-T T.87; SOF55 has the form of other frame headers). */
async function decodeJpegLs(bytes: Uint8Array, layout: PixelLayout, file: string): Promise<DecodedFrame> {
  const { frame } = readJpeg(bytes, file, true)
  checkJpeg(frame, layout, file)
  if (frame.process !== 55) broken(file, 'its JPEG-LS data is not of the kind that its header names')
  const result = await runCodec('@cornerstonejs/codec-charls', 'JpegLSDecoder', bytes, file)
  return { samples: samplesOf(result, layout, file) }
}

/** JPEG 2000 by OpenJPEG; its colour transforms are undone by the decoder. */
async function decodeJpeg2000(bytes: Uint8Array, layout: PixelLayout, file: string): Promise<DecodedFrame> {
  checkSize(codestreamSize(bytes, file), layout, file)
  const result = await runCodec('@cornerstonejs/codec-openjpeg', 'J2KDecoder', bytes, file)
  return {
    samples: samplesOf(result, layout, file),
    rgb: layout.photometric === 'YBR_RCT' || layout.photometric === 'YBR_ICT',
  }
}

/** Reads the SIZ segment (ITU-T T.800, A.5.1), which follows the start of a codestream. */
function codestreamSize(bytes: Uint8Array, file: string) {
  // Some writers wrap the codestream into the boxes of a JP2 file, which DICOM does not allow.
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf('ff4fff51', 0, 'hex')
  if (start < 0 || start > 4096 || start + 42 > bytes.length) {
    broken(file, 'its JPEG 2000 data does not begin')
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + start)
  const [right, bottom, left, top] = [8, 12, 16, 20].map((at) => view.getUint32(at)) as [
    number,
    number,
    number,
    number,
  ]
  return { rows: bottom - top, columns: right - left, samples: view.getUint16(40) }
}

function samplesOf(result: CodecResult, layout: PixelLayout, file: string) {
  const { width, height, componentCount, bitsPerSample, data, planes } = result
  checkSize({ rows: height, columns: width, samples: componentCount }, layout, file)
  const size = bitsPerSample > 8 ? 2 : 1
  if (bitsPerSample > 16 || data.length !== width * height * componentCount * size) {
    broken(file, 'its compressed pixel data cannot be decoded')
  }
  const samples = size === 1 ? data : new Uint16Array(data.buffer, data.byteOffset, data.length / 2)
  return planes && componentCount === 3 ? interleavePlanes(samples) : samples
}
