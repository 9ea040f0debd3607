import { SeptumError } from '@septum/core'
import { looksLikeDicom, readDicomFiles } from './dicom.js'
import { looksLikeHeader, readHeaderVolume } from './header-volume.js'
import { isJpeg } from './jpeg.js'
import { checkBytes, checkVolumeBytes } from './limits.js'
import { looksLikeNifti, readNifti } from './nifti.js'
import { type OpenPicture, readPictureFile } from './picture.js'
import { isPng } from './png.js'
import type { ReadImage } from './read-image.js'
import { type OpenVolume, openVolume } from './volume.js'

export type Opened =
  | { readonly kind: 'picture'; readonly picture: OpenPicture }
  | { readonly kind: 'volume'; readonly volume: OpenVolume }

/**
 * Opens what a person gave: a picture, a volume, or the files of a DICOM series. Content decides, whatever names say.
 * @param reference name of the image on the server, where it came from there.
 * @throws SeptumError of the format.
 */
export async function openFiles(files: readonly File[], reference?: string): Promise<Opened> {
  const heads = await Promise.all(files.map(headOf))
  const dicom = files.filter((_, i) => looksLikeDicom(heads[i]!))
  const headers = files.filter((_, i) => looksLikeHeader(heads[i]!))
  if (headers.length === 1 && dicom.length === 0) {
    const [header] = headers as [File]
    return volume(header, await readWithin(header, (file) => readHeaderVolume(file, files)), reference)
  }
  if (files.length === 1 || dicom.length === 0) {
    const [file] = files
    if (!file) throw nothing()
    const head = heads[0]!
    if (isPng(head) || isJpeg(head)) return picture(file, reference)
    if (looksLikeNifti(head)) return volume(file, await readWithin(file, readNifti), reference)
    if (dicom.length === 0) {
      if (files.length > 1) throw nothing()
      return picture(file, reference)
    }
  }
  const label = labelOf(dicom)
  for (const file of dicom) checkVolumeBytes(file.size, label)
  const { image, notes, window, dicom: source } = await readDicomFiles(dicom, label)
  const rest = {
    ...(window && { window }),
    ...(source && { dicom: source }),
    ...(reference !== undefined && { reference }),
  }
  if (image.shape.length === 3) {
    return { kind: 'picture', picture: { name: label, image, raters: [], notes, ...rest } }
  }
  return { kind: 'volume', volume: openVolume(label, image, { notes, ...rest }) }
}

async function picture(file: File, reference?: string): Promise<Opened> {
  checkBytes(file.size, file.name)
  const image = await readPictureFile(file)
  const name = file.name
  const own = { name, image, raters: [], file, ...(reference !== undefined && { reference }) }
  return { kind: 'picture', picture: own }
}

function readWithin(file: File, read: (file: File) => Promise<ReadImage>): Promise<ReadImage> {
  checkVolumeBytes(file.size, file.name)
  return read(file)
}

/** The image of a file of volumes: a picture where it is a single plane. */
function volume(file: File, { image, notes }: ReadImage, reference?: string): Opened {
  const rest = { notes, ...(reference !== undefined && { reference }) }
  return image.shape.length === 3
    ? { kind: 'picture', picture: { name: file.name, image, raters: [], ...rest } }
    : { kind: 'volume', volume: openVolume(file.name, image, rest) }
}

const headOf = async (file: File): Promise<Uint8Array> =>
  new Uint8Array(await file.slice(0, 4096).arrayBuffer())

/** The folder of a series, or the file's name. */
function labelOf(files: readonly File[]): string {
  const [first] = files as [File, ...File[]]
  if (files.length === 1) return first.name
  return first.webkitRelativePath.split('/').at(-2) || `${files.length} DICOM files`
}

const nothing = () =>
  new SeptumError(
    'viewer-not-an-image',
    'There is nothing among these files that the viewer can read',
    'Open one picture (PNG, JPEG), one volume (NIfTI, NRRD, MetaImage), or the DICOM files of one series.',
  )
