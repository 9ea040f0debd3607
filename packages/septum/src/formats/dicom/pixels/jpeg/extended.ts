import { broken, unsupported } from '../../problem.js'
import { BitReader, HuffmanTable } from './bits.js'
import type { JpegPicture } from './segments.js'

/** Zigzag order (ITU-T T.81, figure A.6): place in the block of the k-th coefficient. */
const ZIGZAG = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46,
  53, 60, 61, 54, 47, 55, 62, 63,
])

/** COSINES[8 * x + u] = C(u) / 2 * cos((2x + 1) u pi / 16): one dimension of the inverse transform (A.3.3). */
const COSINES = Float64Array.from({ length: 64 }, (_, i) => {
  const [x, u] = [i >> 3, i & 7]
  return (u === 0 ? Math.SQRT1_2 : 1) * 0.5 * Math.cos(((2 * x + 1) * u * Math.PI) / 16)
})

/**
 * Decodes sequential JPEG with Huffman coding of one grey component, 8 or 12 bits (ITU-T T.81, processes 1, 2
 * and 4): the grey pictures of 12 bits that decoders of photographs refuse.
 * @returns samples row by row.
 * @throws SeptumError `dicom-broken` or `dicom-unsupported`.
 */
export function decodeExtendedJpeg(picture: JpegPicture, file: string): Uint16Array {
  const { frame, scans, huffman, quantisation, restartInterval } = picture
  const { rows, columns, precision, components } = frame
  const [scan] = scans
  if (components.length !== 1 || scans.length !== 1 || scan?.components.length !== 1) {
    unsupported(file, '12-bit JPEG in colour', 'Convert it to Explicit VR Little Endian.')
  }
  const dcSpec = huffman.get(scan.components[0]!.dc)
  const acSpec = huffman.get(4 + scan.components[0]!.ac)
  const steps = quantisation.get(components[0]!.quantisation)
  if (!dcSpec || !acSpec || !steps) broken(file, 'a JPEG table is missing')
  const dcTable = new HuffmanTable(dcSpec, file)
  const acTable = new HuffmanTable(acSpec, file)
  const bits = new BitReader(scan.data, file)
  const out = new Uint16Array(rows * columns)
  const across = Math.ceil(columns / 8)
  const blocks = across * Math.ceil(rows / 8)
  const coefficients = new Float64Array(64)
  let dc = 0
  for (let block = 0; block < blocks; block++) {
    if (restartInterval > 0 && block > 0 && block % restartInterval === 0) {
      bits.restart()
      dc = 0
    }
    coefficients.fill(0)
    const size = bits.symbol(dcTable)
    if (size > 15) broken(file, 'its JPEG data holds an impossible difference')
    dc += bits.difference(size)
    coefficients[0] = dc * steps[0]!
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(acTable)
      const zeros = symbol >> 4
      if ((symbol & 15) === 0) {
        if (zeros !== 15) break
        k += 15
        continue
      }
      k += zeros
      if (k > 63) broken(file, 'a JPEG block has too many coefficients')
      coefficients[ZIGZAG[k]!] = bits.difference(symbol & 15) * steps[k]!
    }
    store(coefficients, out, Math.floor(block / across) * 8, (block % across) * 8, rows, columns, precision)
  }
  return out
}

const half = new Float64Array(64)

/** The inverse cosine transform, rows then columns; levels are shifted back and clipped. */
function store(
  coefficients: Float64Array,
  out: Uint16Array,
  top: number,
  left: number,
  rows: number,
  columns: number,
  precision: number,
): void {
  for (let v = 0; v < 8; v++) {
    for (let x = 0; x < 8; x++) {
      let sum = 0
      for (let u = 0; u < 8; u++) sum += COSINES[8 * x + u]! * coefficients[8 * v + u]!
      half[8 * v + x] = sum
    }
  }
  const middle = 2 ** (precision - 1)
  const height = Math.min(8, rows - top)
  const width = Math.min(8, columns - left)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = middle
      for (let v = 0; v < 8; v++) sum += COSINES[8 * y + v]! * half[8 * v + x]!
      out[(top + y) * columns + left + x] = Math.min(Math.max(Math.round(sum), 0), 2 * middle - 1)
    }
  }
}
