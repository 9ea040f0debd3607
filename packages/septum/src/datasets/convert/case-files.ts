import { copyFile } from 'node:fs/promises'
import type { MedicalImage } from '@septum/core'
import { writeImage } from '../../formats/index.js'
import { readCaseImage } from '../case-image.js'
import type { FolderDataset, SegmentationCase } from '../dataset.js'

export type Ending = '.png' | '.nii.gz'

/** PNG where it holds all images exactly: pictures of 8 or 16 bits, grey or RGB, without geometry. */
export function endingFor({ cases }: Pick<FolderDataset, 'cases'>): Ending {
  const pictures = cases.every(
    ({ shape, geometry, images }) =>
      shape.length === 3 &&
      (shape[0] === 1 || shape[0] === 3) &&
      !geometry &&
      images.length === 1 &&
      ['uint8', 'uint16'].includes(images[0]!.header.sampleType),
  )
  return pictures ? '.png' : '.nii.gz'
}

/** Names that every file system takes, unique within the data set. */
export function fileNames(cases: readonly SegmentationCase[]): Map<SegmentationCase, string> {
  const used = new Set<string>()
  return new Map(
    cases.map((entry) => {
      const plain = entry.name.replace(/[^\p{L}\p{N}.-]+/gu, '_').replace(/^[._]+|_+$/g, '') || 'case'
      let name = plain
      for (let k = 2; used.has(name.toLowerCase()); k++) name = `${plain}_${k}`
      used.add(name.toLowerCase())
      return [entry, name]
    }),
  )
}

/**
 * Writes the image of a case. Files that already have the wanted form are copied byte for byte; others are written
 * with the samples and the geometry that were read.
 * @param separate one file a channel (`_0000`, `_0001`, …), as nnU-Net wants volumes; else one file.
 * @returns files written.
 */
export async function writeCaseImage(
  entry: SegmentationCase,
  stem: string,
  ending: Ending,
  separate: boolean,
): Promise<string[]> {
  const { images, shape } = entry
  const [channels = 1] = shape
  const plain = images.every(
    ({ file, reader, part, slicesAreChannels, header }) =>
      !reader &&
      part === undefined &&
      !slicesAreChannels &&
      file.endsWith(ending) &&
      header.shape.length === shape.length,
  )
  const targets = (count: number) =>
    separate
      ? Array.from({ length: count }, (_, k) => `${stem}_${`${k}`.padStart(4, '0')}${ending}`)
      : [`${stem}${ending}`]
  // RGB pictures stay one file: nnU-Net's reader of natural images splits them itself.
  const together = ending === '.png' || !separate
  if (plain && (images.length === 1 ? together || channels === 1 : separate && images.length === channels)) {
    const files = targets(images.length)
    for (const [index, { file }] of images.entries()) await copyFile(file, files[index]!)
    return files
  }
  const image = await readCaseImage(entry)
  if (together) {
    const files = targets(1)
    await writeImage(files[0]!, image)
    return files
  }
  const files = targets(channels)
  const samples = image.data.length / channels
  for (const [index, file] of files.entries()) {
    const data = image.data.slice(index * samples, (index + 1) * samples)
    await writeImage(file, { ...image, data, shape: [1, ...shape.slice(1)] })
  }
  return files
}

/** Writes labels on the grid of their case. */
export async function writeLabels(file: string, labels: Uint8Array, entry: SegmentationCase): Promise<void> {
  const { shape, geometry } = entry
  const mask: MedicalImage = {
    data: labels,
    shape: [1, ...shape.slice(1)],
    maxValue: 255,
    ...(geometry ? { geometry } : {}),
  }
  await writeImage(file, mask)
}
