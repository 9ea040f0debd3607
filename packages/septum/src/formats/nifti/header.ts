import { broken, unsupported } from '../volume/problem.js'
import type { SampleType } from '../volume/samples.js'

/** Bytes of a header of NIfTI-1 and NIfTI-2. */
export const HEADER_BYTES = { 1: 348, 2: 540 } as const

/** Fields of a NIfTI-1 or NIfTI-2 header that decide samples and geometry; names as in nifti1.h. */
export interface NiftiHeader {
  readonly version: 1 | 2
  readonly littleEndian: boolean
  /** Samples follow in the same file (`n+1`), not in an .img file (`ni1`). */
  readonly single: boolean
  /** dim[1] to dim[dim[0]]: x, y, z, t, ... */
  readonly sizes: readonly number[]
  readonly sampleType: SampleType
  /** Values of one sample: 3 for RGB, 4 for RGBA, else 1. */
  readonly colours: 1 | 3 | 4
  readonly voxOffset: number
  /** Value = stored * slope + intercept; undefined where the file asks for no scaling. */
  readonly scaling?: { readonly slope: number; readonly intercept: number }
  /** pixdim[0] to pixdim[3]. */
  readonly pixdim: readonly [number, number, number, number]
  readonly qformCode: number
  readonly sformCode: number
  /** quatern_b, quatern_c, quatern_d. */
  readonly quaternion: readonly [number, number, number]
  readonly qoffset: readonly [number, number, number]
  /** srow_x, srow_y, srow_z: 12 numbers. */
  readonly srow: readonly number[]
  /** Millimetres of the header's unit of length. */
  readonly unitMm: number
}

/** datatype codes of nifti1.h. */
const types: Readonly<Record<number, readonly [SampleType, 1 | 3 | 4]>> = {
  2: ['uint8', 1],
  4: ['int16', 1],
  8: ['int32', 1],
  16: ['float32', 1],
  64: ['float64', 1],
  128: ['uint8', 3],
  256: ['int8', 1],
  512: ['uint16', 1],
  768: ['uint32', 1],
  1024: ['int64', 1],
  1280: ['uint64', 1],
  2304: ['uint8', 4],
}
const refusedTypes: Readonly<Record<number, string>> = {
  1: 'single bits',
  32: 'complex numbers',
  1536: '128-bit numbers',
  1792: 'complex numbers',
  2048: 'complex numbers',
}

/** Codes 1, 2, 3 of xyzt_units: metre, millimetre, micrometre; others are taken as millimetres. */
const unitsMm: Readonly<Record<number, number>> = { 1: 1000, 2: 1, 3: 0.001 }

/** Version and byte order by the header's first field, its own length; undefined for another format. */
export function recogniseNifti(head: Uint8Array): { version: 1 | 2; littleEndian: boolean } | undefined {
  if (head.length < 4) return undefined
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  for (const littleEndian of [true, false]) {
    const length = view.getInt32(0, littleEndian)
    if (length === 348) return { version: 1, littleEndian }
    if (length === 540) return { version: 2, littleEndian }
  }
  return undefined
}

/**
 * Parses the first 348 or 540 bytes of a file.
 * @throws SeptumError `volume-broken` or `volume-unsupported`.
 */
export function parseNiftiHeader(head: Uint8Array, file: string): NiftiHeader {
  const kind = recogniseNifti(head)
  if (!kind) throw broken(file, 'it has no NIfTI header')
  const { version, littleEndian } = kind
  if (head.length < HEADER_BYTES[version]) throw broken(file, 'its header ends too early')
  const view = new DataView(head.buffer, head.byteOffset, head.length)
  const int16 = (at: number) => view.getInt16(at, littleEndian)
  const int32 = (at: number) => view.getInt32(at, littleEndian)
  const int64 = (at: number) => Number(view.getBigInt64(at, littleEndian))
  const two = version === 2
  const real = (at: number) => (two ? view.getFloat64(at, littleEndian) : view.getFloat32(at, littleEndian))
  const reals = (at: number, count: number) =>
    Array.from({ length: count }, (_, i) => real(at + i * (two ? 8 : 4)))

  const magic = String.fromCharCode(...head.subarray(two ? 4 : 344, two ? 12 : 348))
  const single = two ? magic === 'n+2\0\r\n\x1a\n' : magic === 'n+1\0'
  if (!single && magic !== (two ? 'ni2\0\r\n\x1a\n' : 'ni1\0')) {
    throw unsupported(
      file,
      'The file is an ANALYZE image or a NIfTI image with a damaged signature',
      'Convert it to NIfTI, whose header keeps the orientation.',
    )
  }
  const dimensions = two ? int64(16) : int16(40)
  if (!(dimensions >= 1 && dimensions <= 7)) throw broken(file, `its header names ${dimensions} dimensions`)
  const sizes = Array.from({ length: dimensions }, (_, i) => (two ? int64(24 + 8 * i) : int16(42 + 2 * i)))
  const code = int16(two ? 12 : 70)
  const type = types[code]
  if (!type) {
    if (!refusedTypes[code]) throw broken(file, `its data type ${code} does not exist`)
    throw unsupported(file, `The file holds ${refusedTypes[code]}`, 'Convert it to integers or floats.')
  }
  const voxOffset = two ? int64(168) : real(108)
  const least = single ? (two ? 544 : 352) : 0
  if (!Number.isSafeInteger(voxOffset) || voxOffset < least) {
    throw broken(file, `its samples cannot begin at byte ${voxOffset}`)
  }
  const slope = real(two ? 176 : 112)
  const intercept = real(two ? 184 : 116)
  const scaled = type[1] === 1 && Number.isFinite(slope) && slope !== 0
  if (scaled && !Number.isFinite(intercept))
    throw broken(file, `its values are scaled by ${slope} and ${intercept}`)
  return {
    version,
    littleEndian,
    single,
    sizes,
    sampleType: type[0],
    colours: type[1],
    voxOffset,
    ...(scaled && (slope !== 1 || intercept !== 0) && { scaling: { slope, intercept } }),
    pixdim: reals(two ? 104 : 76, 4) as [number, number, number, number],
    qformCode: two ? int32(344) : int16(252),
    sformCode: two ? int32(348) : int16(254),
    quaternion: reals(two ? 352 : 256, 3) as [number, number, number],
    qoffset: reals(two ? 376 : 268, 3) as [number, number, number],
    srow: reals(two ? 400 : 280, 12),
    unitMm: unitsMm[(two ? int32(500) : head[123]!) & 7] ?? 1,
  }
}
