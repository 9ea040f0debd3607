import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { MedicalImage } from '@septum/core'
import { writeWhole } from '../write.js'
import { niftiBytes } from './encode.js'

/** As `niftiBytes`, for Node. @throws SeptumError as `niftiBytes`. */
export const encodeNifti = (image: MedicalImage): Buffer => Buffer.from(niftiBytes(image).buffer)

/**
 * Writes an image as .nii, or compressed if the name ends in .gz; label masks, probability and uncertainty maps
 * alike. The file appears whole or not at all.
 * @throws SeptumError as `encodeNifti`; `write-failed`.
 */
export async function writeNifti(file: string, image: MedicalImage): Promise<void> {
  const bytes = encodeNifti(image)
  await writeWhole(file, /\.gz$/i.test(file) ? await promisify(gzip)(bytes) : bytes)
}
