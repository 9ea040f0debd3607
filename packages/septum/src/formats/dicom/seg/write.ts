import { gridDifference, type MedicalImage, SeptumError } from '@septum/core'
import dcmjs from 'dcmjs'
import { writeWhole } from '../../write.js'
import type { DicomOptions } from '../read.js'
import { SEGMENTATION_CLASS, type SegDescription, segDataset } from './dataset.js'
import { segMasks } from './frames.js'
import { readSourceSeries, type SourceSeries } from './source-series.js'

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
  const { segments, form = 'binary' } = options
  const source = await readSourceSeries(options.source, options.read)
  checkMasks(masks, source, options)
  const parts = segMasks(masks, segments.length, source.slices.length, form === 'fractional')
  const dataset = segDataset(source, parts, options)
  const { DicomDict, DicomMetaDictionary } = dcmjs.data
  const file = new DicomDict(
    DicomMetaDictionary.denaturalizeDataset({
      FileMetaInformationVersion: Uint8Array.of(0, 1).buffer,
      MediaStorageSOPClassUID: SEGMENTATION_CLASS,
      MediaStorageSOPInstanceUID: dataset.SOPInstanceUID,
      TransferSyntaxUID: '1.2.840.10008.1.2.1',
      ImplementationClassUID: '2.25.189713092718834312745062231204471530177',
      ImplementationVersionName: 'SEPTUM',
    }),
  )
  file.dict = DicomMetaDictionary.denaturalizeDataset(dataset)
  return new Uint8Array(file.write())
}

function checkMasks(masks: MedicalImage, source: SourceSeries, options: SegOptions): void {
  const { segments, form } = options
  const { shape, geometry, data } = masks
  const { rows, columns, slices } = source
  const place = { file: options.source }
  const flat = source.geometry.spacingMm.length === 2
  const size = flat ? [rows, columns] : [slices.length, rows, columns]
  const grid = { size, geometry: source.geometry }
  const difference = gridDifference(grid, { size: shape.slice(1), geometry: geometry ?? source.geometry })
  if (size.length !== shape.length - 1 || difference) {
    throw new SeptumError(
      'seg-masks',
      `The masks do not lie on the source images: ${difference?.replace(/\.$/, '') ?? 'the axes differ in number'}`,
      'Resample the masks onto the source images first.',
      place,
    )
  }
  const labels = shape[0] === 1 && form !== 'fractional'
  if (segments.length === 0 || segments.length > 65535 || (!labels && shape[0] !== segments.length)) {
    throw new SeptumError(
      'seg-masks',
      `There are ${segments.length} segments for ${shape[0]} masks`,
      'Describe one segment for each mask.',
      place,
    )
  }
  const most = labels ? segments.length : 1
  const whole = form !== 'fractional'
  if (!data.every((value) => value >= 0 && value <= most && (!whole || Number.isInteger(value)))) {
    throw new SeptumError(
      'seg-masks',
      `The masks hold values that are no ${whole ? `whole numbers from 0 to ${most}` : 'fractions from 0 to 1'}`,
      'Describe a segment for each label, or give probabilities with the fractional form.',
      place,
    )
  }
  if (segments.some(({ label }) => label.length === 0 || label.length > 64 || /[\\\p{Cc}]/u.test(label))) {
    throw new SeptumError(
      'seg-masks',
      'The label of a segment is empty, longer than 64 characters or has a backslash or line break',
      'Give each segment a short name.',
      place,
    )
  }
}
