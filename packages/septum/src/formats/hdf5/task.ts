import type { Dataset, File as Hdf5File, Metadata } from 'h5wasm'
import type { ReadLimits } from '../format.js'
import { type ArrayHeader, chooseImage, missingArray, type NumericArray } from '../volume/array.js'
import { countSamples } from '../volume/grid.js'
import { broken, unsupported } from '../volume/problem.js'
import { decodedBytes, decodeSamples, type SampleType } from '../volume/samples.js'

/** What is asked of a file; without a name the array is meant that is the image. Plain data for another thread. */
export type Hdf5Task =
  | { readonly kind: 'names' }
  | { readonly kind: 'header'; readonly name?: string }
  | { readonly kind: 'values'; readonly name?: string }

/** What each task gives. */
export interface Hdf5Results {
  readonly names: string[]
  readonly header: ArrayHeader
  readonly values: NumericArray
}

/** H5T_class_t: integers and floats. */
const INTEGER = 0
const FLOAT = 1

/** Deflate cannot shrink by more than this (RFC 1951); a file that promises more holds nothing of it. */
const MOST_RATIO = 1032
/** What a file without any compressed block may promise beyond its size: arrays of a few fill values. */
const SLACK_BYTES = 2 ** 20

/**
 * Runs a task on an open file.
 * @param fileSize bytes of the file, beyond which its arrays cannot promise much.
 * @param onExpected told the bytes of the array before memory is taken for it.
 * @throws SeptumError `volume-array`, `volume-broken`, `volume-unsupported`, `volume-too-large`.
 */
export function runHdf5Task<K extends Hdf5Task['kind']>(
  hdf5: Hdf5File,
  task: Extract<Hdf5Task, { kind: K }>,
  { file, fileSize, limits, onExpected }: Hdf5Place,
): Hdf5Results[K]
export function runHdf5Task(hdf5: Hdf5File, task: Hdf5Task, place: Hdf5Place): Hdf5Results[Hdf5Task['kind']] {
  const all = hdf5.keys()
  if (task.kind === 'names') return all
  const name = task.name ?? chooseImage(all, place.file)
  if (!all.includes(name)) throw missingArray(place.file, name, all)
  const opened = open(hdf5, name, place)
  return task.kind === 'header' ? opened.header : values(opened, name, place)
}

export interface Hdf5Place {
  readonly file: string
  readonly fileSize: number
  readonly limits: ReadLimits
  readonly onExpected?: (bytes: number) => void
}

interface Opened {
  readonly array: Dataset
  readonly header: ArrayHeader
}

function open(hdf5: Hdf5File, name: string, { file, fileSize, limits, onExpected }: Hdf5Place): Opened {
  const entity = hdf5.get(name)
  if (!entity || !('metadata' in entity)) {
    throw unsupported(
      file,
      `"${name}" of the file is no array`,
      'Save the samples as a data set at the root of the file.',
    )
  }
  const array = entity as Dataset
  const { metadata } = array
  const shape = metadata.shape ?? []
  const sampleType = typeOf(metadata)
  if (!sampleType) throw unsupported(file, `"${name}" holds no plain numbers`, 'Save integers or floats.')
  const bytes = countSamples(shape, decodedBytes(sampleType), limits.maxBytes, file) * metadata.size
  if (bytes > fileSize * MOST_RATIO + SLACK_BYTES) {
    throw broken(file, `the ${bytes} bytes of "${name}" cannot come from a file of ${fileSize}`)
  }
  onExpected?.(bytes)
  return { array, header: { shape, sampleType } }
}

function typeOf({ type, size, signed, vlen }: Metadata): SampleType | undefined {
  if (vlen) return undefined
  if (type === INTEGER && [1, 2, 4, 8].includes(size))
    return `${signed ? '' : 'u'}int${size * 8}` as SampleType
  // The library reads no halves.
  if (type === FLOAT && [4, 8].includes(size)) return `float${size * 8}` as SampleType
  return undefined
}

function values({ array, header }: Opened, name: string, { file }: Hdf5Place): NumericArray {
  const { shape, sampleType } = header
  const found = array.value
  if (!ArrayBuffer.isView(found)) throw broken(file, `"${name}" cannot be read`)
  const bytes = new Uint8Array(found.buffer, found.byteOffset, found.byteLength)
  const data = decodeSamples(bytes, sampleType, true, file)
  if (data.length !== shape.reduce((product, size) => product * size, 1))
    throw broken(file, `"${name}" is incomplete`)
  return { data, shape }
}
