import type { MedicalImage } from '@septum/core'
import {
  type ImageHeader,
  type ReadLimits,
  readHdf5Array,
  readImageHeader,
  readLimits,
  readNpzArray,
} from '../../formats/index.js'
import { arrayImage, arrayImageHeader } from '../../formats/volume/array.js'
import { typeOfSamples } from '../../formats/volume/samples.js'

type Limits = Partial<ReadLimits>

const isNpz = (file: string) => /\.npz$/i.test(file)

/**
 * The header of one named array. `image` is what the formats themselves take as the image; others, which are
 * labels and small, are read for it.
 * @throws SeptumError `volume-array` for a name that the file does not have, and as `readImageHeader`.
 */
export async function readArrayHeader(file: string, name: string, limits: Limits): Promise<ImageHeader> {
  if (name === 'image') return readImageHeader(file, limits)
  const { data, shape } = await read(file, name, limits)
  return arrayImageHeader(formatOf(file), { shape, sampleType: typeOfSamples(data) }, file)
}

/** One named array of an HDF5 or npz file as an image, without geometry. @throws SeptumError as `readImage`. */
export async function readArray(file: string, name: string, limits: Limits): Promise<MedicalImage> {
  return arrayImage(await read(file, name, limits), file)
}

const formatOf = (file: string) => (isNpz(file) ? 'NumPy archive' : 'HDF5')

const read = (file: string, name: string, limits: Limits) =>
  (isNpz(file) ? readNpzArray : readHdf5Array)(file, name, { ...readLimits, ...limits })
