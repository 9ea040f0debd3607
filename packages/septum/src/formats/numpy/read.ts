import { type ImageFormat, type ReadLimits, readLimits } from '../format.js'
import {
  arrayImage,
  arrayImageHeader,
  chooseImage,
  missingArray,
  type NumericArray,
} from '../volume/array.js'
import { readRange } from '../volume/file-bytes.js'
import { broken, inFile } from '../volume/problem.js'
import { sampleBytes } from '../volume/samples.js'
import { decodeNpy, NPY_HEADER_BYTES, parseNpyHeader, recogniseNpy } from './npy.js'
import { type ZipEntry, zipContent, zipEntries } from './zip.js'

/** .npy: [H, W], [D, H, W], [H, W, 3] of uint8 as RGB, or [C, D, H, W]; no geometry. */
export const npyFormat: ImageFormat = {
  name: 'NumPy',
  extensions: ['.npy'],
  recognises: recogniseNpy,
  readHeader: (file, { maxBytes }) =>
    inFile(file, async () => {
      const { bytes } = await readRange(file, 0, NPY_HEADER_BYTES)
      return arrayImageHeader('NumPy', parseNpyHeader(bytes, maxBytes, file), file)
    }),
  read: async (file, limits) => arrayImage(await readNpy(file, limits), file),
}

/** .npz with the image under `image` or a similar name, or with one array only; see `readNpzArray` for others. */
export const npzFormat: ImageFormat = {
  name: 'NumPy archive',
  extensions: ['.npz'],
  recognises: (head, file) => head[0] === 0x50 && head[1] === 0x4b && /\.npz$/i.test(file),
  readHeader: (file, { maxBytes }) =>
    inFile(file, async () => {
      const { bytes, arrays } = await openArchive(file, maxBytes)
      const entry = arrays.get(chooseImage([...arrays.keys()], file))!
      const start = await zipContent(bytes, entry, file, NPY_HEADER_BYTES)
      return arrayImageHeader('NumPy archive', parseNpyHeader(start, maxBytes, file), file)
    }),
  read: (file, limits) =>
    inFile(file, async () => {
      const { bytes, arrays } = await openArchive(file, limits.maxBytes)
      const entry = arrays.get(chooseImage([...arrays.keys()], file))!
      return arrayImage(await decodeEntry(bytes, entry, file, limits), file)
    }),
}

/**
 * Reads a .npy array; 64-bit integers come as int32 or float64, halves as float32, booleans as 0 and 1.
 * @throws SeptumError `volume-broken`, `volume-unsupported`, `volume-too-large` or of the file system.
 */
export function readNpy(file: string, { maxBytes }: ReadLimits = readLimits): Promise<NumericArray> {
  return inFile(file, async () => {
    const { bytes: start } = await readRange(file, 0, NPY_HEADER_BYTES)
    const header = parseNpyHeader(start, maxBytes, file)
    const { bytes } = await readRange(file, header.offset, maxBytes)
    return decodeNpy(header, bytes, file)
  })
}

/**
 * Reads one array of a .npz archive.
 * @throws SeptumError as `readNpy`; `volume-array` for a name that it does not have.
 */
export function readNpzArray(
  file: string,
  name: string,
  limits: ReadLimits = readLimits,
): Promise<NumericArray> {
  return inFile(file, async () => {
    const { bytes, arrays } = await openArchive(file, limits.maxBytes)
    const entry = arrays.get(name)
    if (!entry) throw missingArray(file, name, [...arrays.keys()])
    return decodeEntry(bytes, entry, file, limits)
  })
}

/**
 * Reads every array of a .npz archive, with one pass over the file.
 * @throws SeptumError as `readNpy`.
 */
export function readNpz(
  file: string,
  limits: ReadLimits = readLimits,
): Promise<ReadonlyMap<string, NumericArray>> {
  return inFile(file, async () => {
    const { bytes, arrays } = await openArchive(file, limits.maxBytes)
    const found = new Map<string, NumericArray>()
    for (const [name, entry] of arrays) found.set(name, await decodeEntry(bytes, entry, file, limits))
    return found
  })
}

/** Names of the arrays of a .npz archive. @throws SeptumError as `readNpy`. */
export function npzNames(file: string, { maxBytes }: ReadLimits = readLimits): Promise<string[]> {
  return inFile(file, async () => [...(await openArchive(file, maxBytes)).arrays.keys()])
}

async function openArchive(file: string, maxBytes: number) {
  const { bytes, fileSize } = await readRange(file, 0, maxBytes)
  if (fileSize > maxBytes) throw broken(file, `its archive of ${fileSize} bytes is beyond the limit`)
  const arrays = new Map<string, ZipEntry>()
  for (const entry of zipEntries(bytes, file)) {
    if (entry.name.endsWith('.npy')) arrays.set(entry.name.slice(0, -4), entry)
  }
  return { bytes, arrays }
}

async function decodeEntry(bytes: Buffer, entry: ZipEntry, file: string, { maxBytes }: ReadLimits) {
  const start = await zipContent(bytes, entry, file, NPY_HEADER_BYTES)
  const header = parseNpyHeader(start, maxBytes, file)
  const wanted = header.shape.reduce((product, size) => product * size, sampleBytes[header.sampleType])
  // An entry that claims more than its array is how an archive would make us inflate without end.
  if (entry.size !== header.offset + wanted) {
    throw broken(file, `an array of ${wanted} bytes lies in an entry of ${entry.size}`)
  }
  const content = await zipContent(bytes, entry, file)
  return decodeNpy(header, content.subarray(header.offset), file)
}
