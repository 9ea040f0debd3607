import { broken, unsupported } from '../../problem.js'
import { BitReader, HuffmanTable } from './bits.js'
import type { JpegPicture } from './segments.js'

/**
 * Decodes lossless JPEG with Huffman coding (ITU-T T.81 annex H), all seven predictors, 2 to 16 bits, restart
 * intervals, interleaved or separate colours without subsampling.
 * @returns samples pixel by pixel.
 * @throws SeptumError `dicom-broken` or `dicom-unsupported`.
 */
export function decodeLosslessJpeg(picture: JpegPicture, file: string): Uint16Array {
  const { frame, scans, huffman, restartInterval } = picture
  const { rows, columns, components, precision } = frame
  if (precision < 2 || precision > 16) broken(file, 'its JPEG precision is impossible')
  if (components.some(({ horizontal, vertical }) => horizontal !== 1 || vertical !== 1)) {
    unsupported(file, 'lossless JPEG with subsampled colours', 'Convert it to Explicit VR Little Endian.')
  }
  const stride = components.length
  const out = new Uint16Array(rows * columns * stride)
  const seen = new Set<number>()
  for (const scan of scans) {
    const parts = scan.components.map(({ id, dc }) => {
      const colour = components.findIndex((component) => component.id === id)
      const spec = huffman.get(dc)
      if (colour < 0 || !spec || seen.has(colour)) broken(file, 'a JPEG scan names what is not there')
      seen.add(colour)
      return { colour, table: new HuffmanTable(spec, file) }
    })
    const { start: predictor, low } = scan
    if (predictor < 1 || predictor > 7 || low >= precision) broken(file, 'its JPEG predictor is unknown')
    const bits = new BitReader(scan.data, file)
    const first = 1 << (precision - low - 1)
    // The first line of an interval is predicted from the left only, as the first of the picture (H.1.2.1).
    let lineStart = true
    for (let pixel = 0, left = restartInterval; pixel < rows * columns; pixel++, left--) {
      const column = pixel % columns
      if (restartInterval > 0 && left === 0) {
        if (column !== 0) unsupported(file, 'JPEG restarts inside a line', 'Convert it with another tool.')
        bits.restart()
        left = restartInterval
        lineStart = true
      } else if (column === 0 && pixel > 0) lineStart = false
      for (const { colour, table } of parts) {
        const at = pixel * stride + colour
        const size = bits.symbol(table)
        if (size > 16) broken(file, 'its JPEG data holds an impossible difference')
        const difference = size === 16 ? 32768 : bits.difference(size)
        const up = at - columns * stride
        const guess =
          column === 0
            ? lineStart
              ? first
              : out[up]!
            : lineStart
              ? out[at - stride]!
              : predict(predictor, out[at - stride]!, out[up]!, out[up - stride]!)
        out[at] = guess + difference
      }
    }
    if (low > 0) {
      for (const { colour } of parts) for (let at = colour; at < out.length; at += stride) out[at]! <<= low
    }
  }
  if (seen.size !== stride) broken(file, 'a colour of its JPEG data is missing')
  return out
}

/** Table H.1: a left, b above, c above left. */
function predict(predictor: number, a: number, b: number, c: number): number {
  switch (predictor) {
    case 1:
      return a
    case 2:
      return b
    case 3:
      return c
    case 4:
      return a + b - c
    case 5:
      return a + ((b - c) >> 1)
    case 6:
      return b + ((a - c) >> 1)
    default:
      return (a + b) >> 1
  }
}
