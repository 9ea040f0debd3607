import type { Dataset, File as Hdf5File, Metadata } from 'h5wasm'
import { type ImageFormat, type ReadLimits, readLimits } from '../format.js'
import {
  type ArrayHeader,
  arrayImage,
  arrayImageHeader,
  chooseImage,
  missingArray,
  type NumericArray,
} from '../volume/array.js'
import { readRange } from '../volume/file-bytes.js'
import { countSamples } from '../volume/grid.js'
import { broken, inFile, unsupported } from '../volume/problem.js'
import { decodedBytes, decodeSamples, type SampleType } from '../volume/samples.js'
import { type Hdf5Library, hdf5Library } from './library.js'

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')
/** H5T_class_t: integers and floats. */
const INTEGER = 0
const FLOAT = 1

/**
 * HDF5 as the left-atrium and ACDC benchmarks of semi-supervised segmentation keep a case: the data set `image`, beside
 * it `label` and perhaps `scribble` (`readHdf5Array`). No geometry.
 */
export const hdf5Format: ImageFormat = {
  name: 'HDF5',
  extensions: ['.h5', '.hdf5'],
  recognises: (head) => SIGNATURE.equals(head.subarray(0, 8)),
  readHeader: (file, limits) =>
    withFile(file, limits, (hdf5) => {
      const { header } = open(hdf5, chooseImage(names(hdf5), file), limits, file)
      return arrayImageHeader('HDF5', header, file)
    }),
  read: async (file, limits) =>
    arrayImage(
      await withFile(file, limits, (hdf5) => values(hdf5, chooseImage(names(hdf5), file), limits, file)),
      file,
    ),
}

/**
 * Reads one array at the root of an HDF5 file, e.g. `label`.
 * @throws SeptumError `volume-array` for a name that it does not have, `volume-broken`, `volume-unsupported`,
 * `volume-too-large` or of the file system.
 */
export function readHdf5Array(
  file: string,
  name: string,
  limits: ReadLimits = readLimits,
): Promise<NumericArray> {
  return withFile(file, limits, (hdf5) => {
    const all = names(hdf5)
    if (!all.includes(name)) throw missingArray(file, name, all)
    return values(hdf5, name, limits, file)
  })
}

/** Names of the arrays at the root of an HDF5 file. @throws SeptumError as `readHdf5Array`. */
export function hdf5Names(file: string, limits: ReadLimits = readLimits): Promise<string[]> {
  return withFile(file, limits, names)
}

async function withFile<T>(file: string, { maxBytes }: ReadLimits, work: (hdf5: Hdf5File) => T): Promise<T> {
  const library: Hdf5Library = await hdf5Library()
  return inFile(file, async () => {
    const { bytes, fileSize } = await readRange(file, 0, maxBytes)
    if (fileSize > maxBytes) throw broken(file, `its ${fileSize} bytes are beyond the limit`)
    return library.use(bytes, work)
  })
}

const names = (hdf5: Hdf5File) => hdf5.keys()

function open(hdf5: Hdf5File, name: string, { maxBytes }: ReadLimits, file: string) {
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
  countSamples(shape, decodedBytes(sampleType), maxBytes, file)
  return { array, header: { shape, sampleType } satisfies ArrayHeader }
}

function typeOf({ type, size, signed, vlen }: Metadata): SampleType | undefined {
  if (vlen) return undefined
  if (type === INTEGER && [1, 2, 4, 8].includes(size))
    return `${signed ? '' : 'u'}int${size * 8}` as SampleType
  // The library reads no halves.
  if (type === FLOAT && [4, 8].includes(size)) return `float${size * 8}` as SampleType
  return undefined
}

function values(hdf5: Hdf5File, name: string, limits: ReadLimits, file: string): NumericArray {
  const { array, header } = open(hdf5, name, limits, file)
  const { shape, sampleType } = header
  const found = array.value
  if (!ArrayBuffer.isView(found)) throw broken(file, `"${name}" cannot be read`)
  const bytes = new Uint8Array(found.buffer, found.byteOffset, found.byteLength)
  const data = decodeSamples(bytes, sampleType, true, file)
  if (data.length !== shape.reduce((product, size) => product * size, 1))
    throw broken(file, `"${name}" is incomplete`)
  return { data, shape }
}
