import { type ImageFormat, type ReadLimits, readLimits } from '../format.js'
import { arrayImage, arrayImageHeader, type NumericArray } from '../volume/array.js'
import { readRange } from '../volume/file-bytes.js'
import { broken, inFile } from '../volume/problem.js'
import type { Hdf5Results, Hdf5Task } from './task.js'
import { runOnHdf5 } from './thread.js'

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')

/**
 * HDF5 as the left-atrium and ACDC benchmarks of semi-supervised segmentation keep a case: the data set `image`, beside
 * it `label` and perhaps `scribble` (`readHdf5Array`). No geometry.
 */
export const hdf5Format: ImageFormat = {
  name: 'HDF5',
  extensions: ['.h5', '.hdf5'],
  recognises: (head) => SIGNATURE.equals(head.subarray(0, 8)),
  readHeader: async (file, limits) =>
    arrayImageHeader('HDF5', await runTask(file, limits, { kind: 'header' }), file),
  read: async (file, limits) => arrayImage(await runTask(file, limits, { kind: 'values' }), file),
}

/**
 * Reads one array at the root of an HDF5 file, e.g. `label`.
 * @throws SeptumError `volume-array` for a name that it does not have, `volume-broken`, `volume-unsupported`,
 * `volume-too-large`, `volume-timeout` or of the file system.
 */
export function readHdf5Array(
  file: string,
  name: string,
  limits: ReadLimits = readLimits,
): Promise<NumericArray> {
  return runTask(file, limits, { kind: 'values', name })
}

/** Names of the arrays at the root of an HDF5 file. @throws SeptumError as `readHdf5Array`. */
export function hdf5Names(file: string, limits: ReadLimits = readLimits): Promise<string[]> {
  return runTask(file, limits, { kind: 'names' })
}

function runTask<K extends Hdf5Task['kind']>(
  file: string,
  limits: ReadLimits,
  task: Extract<Hdf5Task, { kind: K }>,
): Promise<Hdf5Results[K]> {
  return inFile(file, async () => {
    const { bytes, fileSize } = await readRange(file, 0, limits.maxBytes)
    if (fileSize > limits.maxBytes) throw broken(file, `its ${fileSize} bytes are beyond the limit`)
    return runOnHdf5(task, { bytes, file, limits })
  })
}
