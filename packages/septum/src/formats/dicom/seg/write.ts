import type { MedicalImage } from '@septum/core'
import { writeWhole } from '../../write.js'
import { withSeries } from '../read.js'
import type { DicomOptions } from '../volume.js'
import type { SegDescription } from './dataset.js'
import { encodeSeg } from './encode.js'
import { sourceOfSeries } from './source-series.js'

/** A segmentation and the images it was made from. */
export interface SegOptions extends SegDescription {
  /** The source series: a file, a folder or a zip, as `readDicom` takes them. */
  readonly source: string
  /** How the source was read, when it has several series or irregular slices. */
  readonly read?: DicomOptions
}

/**
 * Writes masks as a DICOM Segmentation that refers to its source series, slice by slice. Only frames with a
 * foreground sample are written. What is copied from the source: `copiedTags`, nothing else.
 *
 * @param masks on the grid of `readDicom(source)`: [1, (D,) H, W] label values 0 to the number of segments, or
 * [segments, (D,) H, W] one mask for each (they may overlap), or for the fractional form probabilities 0 to 1.
 * @throws SeptumError `seg-masks` when masks and source or segments do not fit; `seg-source`; `write-failed`; and
 * what `readDicom` says of the source.
 */
export async function writeDicomSeg(file: string, masks: MedicalImage, options: SegOptions): Promise<void> {
  await writeWhole(file, await encodeDicomSeg(masks, options))
}

/** As `writeDicomSeg`, to memory. */
export async function encodeDicomSeg(masks: MedicalImage, options: SegOptions): Promise<Uint8Array> {
  const { source: path, read = {} } = options
  const source = await withSeries(path, read, (series) => sourceOfSeries(series, path, read.slices))
  return encodeSeg(masks, source, options, path)
}
