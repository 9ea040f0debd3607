import { createHash } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { gridDifference, type ImageSamples, type MedicalImage, SeptumError } from '@septum/core'
import {
  type ImageHeader,
  type ReadLimits,
  readDicom,
  readDicomHeader,
  readImage,
  readImageHeader,
} from '../../formats/index.js'
import type { InputCase } from './find.js'

/** What a case's files say before they are decoded. @throws SeptumError of the format. */
export async function readInputHeader(
  { files, series }: InputCase,
  limits: Partial<ReadLimits> = {},
): Promise<ImageHeader> {
  if (series !== undefined) return readDicomHeader(files[0]!, { series, limits })
  const header = await readImageHeader(files[0]!, limits)
  return { ...header, shape: [header.shape[0]! * files.length, ...header.shape.slice(1)] }
}

/**
 * Reads a case; several files become channels of one image.
 * @throws SeptumError of the format; `channel-size` for channels on different grids.
 */
export async function readInput(
  { files, series }: InputCase,
  limits: Partial<ReadLimits> = {},
): Promise<MedicalImage> {
  if (series !== undefined) return readDicom(files[0]!, { series, limits })
  if (files.length === 1) return readImage(files[0]!, limits)
  const images: MedicalImage[] = []
  for (const file of files) images.push(await readImage(file, limits))
  const [first] = images as [MedicalImage, ...MedicalImage[]]
  for (const [i, image] of images.entries()) {
    const sizes = `${image.shape.slice(1)}` === `${first.shape.slice(1)}`
    const grids = first.geometry && image.geometry
    const apart = grids && sizes && gridDifference(gridOf(first), gridOf(image))
    if (sizes && !apart) continue
    throw new SeptumError(
      'channel-size',
      'The channels of the case do not lie on one grid',
      'Resample them onto one grid.',
      { file: files[i]! },
    )
  }
  const length = images.reduce((sum, { data }) => sum + data.length, 0)
  const same = images.every(({ data }) => data.constructor === first.data.constructor)
  const Samples = (same ? first.data.constructor : Float32Array) as new (length: number) => ImageSamples
  const data = new Samples(length)
  let at = 0
  for (const image of images) {
    data.set(image.data, at)
    at += image.data.length
  }
  const channels = images.reduce((sum, { shape }) => sum + shape[0]!, 0)
  return { ...first, data, shape: [channels, ...first.shape.slice(1)] }
}

const gridOf = ({ shape, geometry }: MedicalImage) => ({ size: shape.slice(1), geometry: geometry! })

/** Changes when a file of the case is written anew: sizes and times of change, without reading the files. */
export async function inputFingerprint({ files, series }: InputCase): Promise<string> {
  const hash = createHash('sha256').update(`${series ?? ''}`)
  for (const file of files) {
    const status = await stat(file)
    if (!status.isDirectory()) hash.update(`${status.size} ${status.mtimeMs}\n`)
    else {
      for (const entry of (await readdir(file)).sort()) {
        const inner = await stat(join(file, entry))
        if (inner.isFile()) hash.update(`${entry.length} ${inner.size} ${inner.mtimeMs}\n`)
      }
    }
  }
  return hash.digest('hex').slice(0, 16)
}
