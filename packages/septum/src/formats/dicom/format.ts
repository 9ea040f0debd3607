import { stat } from 'node:fs/promises'
import type { MedicalImage } from '@septum/core'
import type { ImageFormat, ReadLimits } from '../format.js'
import { isZip } from './archive.js'
import { looksLikeDicom, openDicom } from './file.js'
import { fileSource } from './node-source.js'
import { readDicom, readDicomHeader } from './read.js'
import { isSegmentation, readDicomSeg, segLabels } from './seg/read.js'

/**
 * DICOM: single files, and series in a folder or zip archive. A segmentation gives its label map where it has one, else
 * one channel for each segment.
 */
export const dicomFormat: ImageFormat = {
  name: 'DICOM',
  extensions: ['.dcm', '.dicom', '.ima', '.zip'],
  folders: true,
  // Weight files and NumPy archives are zips, too: theirs have other extensions.
  recognises: (head, file) =>
    head.length === 0 || (isZip(head) ? /\.zip$/i.test(file) : looksLikeDicom(head)),
  async readHeader(file, limits) {
    const masks = await segmentation(file, limits)
    if (!masks) return readDicomHeader(file, { limits })
    const { shape, maxValue, geometry, data } = masks
    return {
      format: 'DICOM SEG',
      shape,
      maxValue,
      ...(geometry && { geometry }),
      sampleType: data instanceof Float32Array ? 'float32' : 'uint8',
      notes: [],
    }
  },
  read: async (file, limits) => (await segmentation(file, limits)) ?? readDicom(file, { limits }),
}

/** The masks of a file that is a segmentation. */
async function segmentation(file: string, limits: ReadLimits): Promise<MedicalImage | undefined> {
  const source = fileSource(file)
  if ((await stat(file)).isDirectory() || !looksLikeDicom(await source.head(4096))) return undefined
  if (!isSegmentation(await openDicom(source))) return undefined
  const seg = await readDicomSeg(file, undefined, limits)
  if (seg.form === 'fractional') return seg.masks
  try {
    return segLabels(seg)
  } catch {
    // Segments overlap: each keeps a channel of its own.
    return seg.masks
  }
}
