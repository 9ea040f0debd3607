import { open, stat } from 'node:fs/promises'
import { type MedicalImage, SeptumError } from '@septum/core'
import { dicomFormat } from './dicom/index.js'
import { type ImageFormat, type ImageHeader, type ReadLimits, readLimits } from './format.js'
import { hdf5Format } from './hdf5/index.js'
import { metaImageFormat, writeMetaImage } from './metaimage/index.js'
import { niftiFormat, writeNifti } from './nifti/index.js'
import { nrrdFormat, writeNrrd } from './nrrd/index.js'
import { npyFormat, npzFormat, writeNpy } from './numpy/index.js'
import { pictureFormat } from './picture.js'
import { bmpFormat, tiffFormat } from './pictures/index.js'
import { unreadable } from './problem.js'
import { writePng } from './write.js'

/** All formats, in the order in which they are asked whether they recognise a file. */
export const imageFormats: readonly ImageFormat[] = [
  // The preamble of a DICOM file may be the header of another format, such as TIFF.
  dicomFormat,
  pictureFormat,
  tiffFormat,
  bmpFormat,
  nrrdFormat,
  npyFormat,
  npzFormat,
  hdf5Format,
  metaImageFormat,
  niftiFormat,
]

/** Bytes of a file that a format sees to recognise it. */
const HEAD_BYTES = 4096

/**
 * Reads an image of any known format; content decides, then the extension. A folder is read as a DICOM series.
 * @throws SeptumError with the file: `image-format` for an unknown format, or what the format's reader says.
 */
export async function readImage(file: string, limits: Partial<ReadLimits> = {}): Promise<MedicalImage> {
  return (await formatOf(file)).read(file, { ...readLimits, ...limits })
}

/** As `readImage` for a file whose header was read before: it is not asked again for its format. */
export async function readKnownImage(
  file: string,
  { format }: Pick<ImageHeader, 'format'>,
  limits: Partial<ReadLimits> = {},
): Promise<MedicalImage> {
  const known = imageFormats.find(({ name }) => format === name || format.startsWith(`${name}-`))
  return known ? known.read(file, { ...readLimits, ...limits }) : readImage(file, limits)
}

/** Reads what `readImage` would give, without its samples. @throws SeptumError as `readImage`. */
export async function readImageHeader(file: string, limits: Partial<ReadLimits> = {}): Promise<ImageHeader> {
  return (await formatOf(file)).readHeader(file, { ...readLimits, ...limits })
}

/** Extensions that `writeImage` knows. */
const writers: Readonly<Record<string, (file: string, image: MedicalImage) => Promise<void>>> = {
  '.png': writePicture,
  '.nii': writeNifti,
  '.nii.gz': writeNifti,
  '.nrrd': writeNrrd,
  '.mha': writeMetaImage,
  '.npy': writeNpy,
}

/**
 * Writes an image in the format of the file's extension: .png .nii .nii.gz .nrrd .mha .npy. The file appears whole or
 * not at all.
 * @throws SeptumError `image-format` for another extension, or what the format's writer says.
 */
export async function writeImage(file: string, image: MedicalImage): Promise<void> {
  const extension = Object.keys(writers).find((name) => hasExtension(file, [name]))
  if (extension) return writers[extension]!(file, image)
  throw new SeptumError(
    'image-format',
    'Images cannot be written with this extension',
    `Choose one of ${Object.keys(writers).join(' ')}.`,
    { file },
  )
}

async function writePicture(file: string, { data, shape }: MedicalImage): Promise<void> {
  if (data instanceof Uint8Array || data instanceof Uint16Array) return writePng(file, { data, shape })
  throw new SeptumError(
    'picture-shape',
    'A PNG holds unsigned integers of 8 or 16 bits only',
    'Write these values as .nii.gz or .npy.',
    { file },
  )
}

/**
 * The format of a file or folder.
 * @throws SeptumError `picture-missing`, `picture-forbidden`, `picture-empty` or `image-format`.
 */
export async function formatOf(file: string): Promise<ImageFormat> {
  const { head, folder } = await readHead(file)
  if (!folder && head.length === 0) {
    throw new SeptumError('picture-empty', 'The file is empty', 'Copy it again from its source.', { file })
  }
  const candidates = imageFormats.filter((format) => !folder || format.folders)
  const found =
    candidates.find((format) => format.recognises(head, file)) ??
    candidates.find((format) => !folder && hasExtension(file, format.extensions))
  if (found) return found
  throw new SeptumError(
    'image-format',
    `The ${folder ? 'folder' : 'file'} holds no image of a known format`,
    `Convert it to one of ${imageFormats.flatMap((format) => format.extensions).join(' ')}.`,
    { file },
  )
}

/** Whether a name ends in one of the extensions, whatever its case. */
export function hasExtension(file: string, extensions: readonly string[]): boolean {
  const name = file.toLowerCase()
  return extensions.some((extension) => name.endsWith(extension))
}

async function readHead(file: string): Promise<{ head: Uint8Array; folder: boolean }> {
  try {
    // A pipe or a device would make `open` or `read` wait for ever.
    const status = await stat(file)
    if (status.isDirectory()) return { head: new Uint8Array(), folder: true }
    if (!status.isFile()) throw new Error('it is no regular file')
    await using handle = await open(file)
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    return { head: buffer.subarray(0, bytesRead), folder: false }
  } catch (cause) {
    throw unreadable(file, cause)
  }
}
