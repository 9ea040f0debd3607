import type { ArrayHeader, NumericArray } from '../volume/array.js'
import { countSamples } from '../volume/grid.js'
import { broken, unsupported } from '../volume/problem.js'
import { decodedBytes, decodeSamples, type SampleType, sampleBytes } from '../volume/samples.js'

/** A header is longer than this only for structured arrays, which are no images. */
export const NPY_HEADER_BYTES = 8192

/** Header of an array file (numpy.lib.format, versions 1.0 to 3.0). */
export interface NpyHeader extends ArrayHeader {
  readonly littleEndian: boolean
  /** First axis fastest. */
  readonly fortran: boolean
  readonly offset: number
}

const types: Readonly<Record<string, SampleType>> = {
  b1: 'uint8',
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  u4: 'uint32',
  i4: 'int32',
  u8: 'uint64',
  i8: 'int64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
}

/** Whether bytes begin like an array file. */
export const recogniseNpy = (head: Uint8Array) =>
  Buffer.from(head.subarray(0, 6)).toString('latin1') === '\x93NUMPY'

/**
 * Parses the header; Python objects and structures are refused, nothing is ever run.
 * @throws SeptumError `volume-broken`, `volume-unsupported` or `volume-too-large`.
 */
export function parseNpyHeader(bytes: Buffer, maxBytes: number, file: string): NpyHeader {
  if (!recogniseNpy(bytes) || bytes.length < 12) throw broken(file, 'it has no header of a NumPy array')
  const version = bytes[6]!
  if (version < 1 || version > 3)
    throw unsupported(file, `The array has version ${version}`, 'Save it with numpy.save.')
  const start = version === 1 ? 10 : 12
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8)
  const offset = start + length
  if (offset > Math.min(bytes.length, NPY_HEADER_BYTES)) throw broken(file, 'its header ends too early')
  const text = bytes.toString('latin1', start, offset)
  const descr = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z]\d*)'/.exec(text)
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)
  const sizes = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)
  if (!/^\s*\{.*\}\s*$/s.test(text) || !order || !sizes)
    throw broken(file, 'its header is no description of an array')
  const sampleType = types[descr?.[2] ?? '']
  if (!sampleType) throw unsupported(file, 'The array holds no plain numbers', 'Save integers or floats.')
  const shape = sizes[1]!
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number)
  countSamples(shape, decodedBytes(sampleType), maxBytes, file)
  return { shape, sampleType, littleEndian: descr![1] !== '>', fortran: order[1] === 'True', offset }
}

/** The array of a header and the bytes after it. @throws SeptumError `volume-broken` for too few bytes. */
export function decodeNpy(header: NpyHeader, bytes: Uint8Array, file: string): NumericArray {
  const { shape, sampleType, littleEndian, fortran } = header
  const wanted = shape.reduce((product, size) => product * size, sampleBytes[sampleType])
  if (bytes.length < wanted) throw broken(file, `it holds ${bytes.length} bytes of samples of ${wanted}`)
  const data = decodeSamples(bytes.subarray(0, wanted), sampleType, littleEndian, file)
  return { data: fortran ? toRowMajor(data, shape) : data, shape }
}

/** From first axis fastest to last axis fastest. */
function toRowMajor(data: NumericArray['data'], shape: readonly number[]): NumericArray['data'] {
  const out = data.slice()
  const strides: number[] = []
  shape.reduce((stride, size) => {
    strides.push(stride)
    return stride * size
  }, 1)
  const index = shape.map(() => 0)
  let from = 0
  for (let to = 0; to < out.length; to++) {
    out[to] = data[from]!
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!
      if (++index[axis]! < shape[axis]!) break
      from -= index[axis]! * strides[axis]!
      index[axis] = 0
    }
  }
  return out
}
