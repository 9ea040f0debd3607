import { SeptumError } from '@septum/core'
import {
  describeNifti,
  inVolumeFile,
  isGzip,
  type NiftiHeader,
  niftiSamples,
  parseNiftiHeader,
  recogniseNifti,
  storedBytes,
} from 'septum/browser'
import { ByteStream } from './byte-stream.js'
import { mostVolumeBytes } from './limits.js'
import { imageOf, type ReadImage } from './read-image.js'

/** Whether a file begins like NIfTI, or is packed so that only unpacking can tell. */
export const looksLikeNifti = (head: Uint8Array): boolean =>
  isGzip(head) || recogniseNifti(head) !== undefined

/**
 * Reads NIfTI-1 and NIfTI-2, packed or not, to exact values with their place in the patient. The header decides before
 * anything of the samples' size is allocated.
 * @returns [C, D, H, W], or [C, H, W] for a single plane.
 * @throws SeptumError with a `volume-` code, `viewer-broken`, `viewer-too-large`.
 */
export function readNifti(file: File): Promise<ReadImage> {
  return inVolumeFile(file.name, async () => {
    const gzip = isGzip(new Uint8Array(await file.slice(0, 2).arrayBuffer()))
    const stream: ReadableStream<Uint8Array> = gzip
      ? file.stream().pipeThrough(new DecompressionStream('gzip'))
      : file.stream()
    const bytes = new ByteStream(stream, file.name)
    try {
      const { header, length } = await headerOf(bytes, file.name)
      const { shape, geometry, notes } = describeNifti(header, file.name, { maxBytes: mostVolumeBytes })
      await bytes.skip(header.voxOffset - length)
      const data = niftiSamples(header, await bytes.take(storedBytes(header)), file.name)
      return { image: imageOf(data, shape, geometry), notes }
    } finally {
      await bytes.close()
    }
  })
}

async function headerOf(bytes: ByteStream, file: string): Promise<{ header: NiftiHeader; length: number }> {
  const first = await bytes.take(348)
  const kind = recogniseNifti(first)
  if (!kind) {
    throw new SeptumError(
      'viewer-not-an-image',
      'This file is neither a picture nor a volume that the viewer can read',
      'Open PNG, JPEG, NIfTI, NRRD, MetaImage or DICOM files.',
      { file },
    )
  }
  const more = kind.version === 2 ? await bytes.take(540 - 348) : new Uint8Array(0)
  const all = new Uint8Array(first.length + more.length)
  all.set(first)
  all.set(more, first.length)
  const header = parseNiftiHeader(all, file)
  if (!header.single) {
    throw new SeptumError(
      'volume-unsupported',
      'The header lies apart from its samples (.hdr and .img)',
      'Save the volume as one .nii or .nii.gz file.',
      { file },
    )
  }
  return { header, length: all.length }
}
