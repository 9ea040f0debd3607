import { gridDifference, type MedicalImage, SeptumError } from '@septum/core'
import dcmjs from 'dcmjs'
import { SEGMENTATION_CLASS, type SegDescription, segDataset } from './dataset.js'
import { segMasks } from './frames.js'
import type { SourceSeries } from './source-series.js'

/**
 * A DICOM Segmentation as the bytes of a file.
 * @param masks as `writeDicomSeg` takes them, on the grid of the series. @param path names the source in errors.
 * @throws SeptumError `seg-masks`.
 */
export function encodeSeg(
  masks: MedicalImage,
  source: SourceSeries,
  description: SegDescription,
  path: string,
): Uint8Array {
  const { segments, form = 'binary' } = description
  checkMasks(masks, source, description, path)
  const parts = segMasks(masks, segments.length, source.slices.length, form === 'fractional')
  const dataset = segDataset(source, parts, description)
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

function checkMasks(
  masks: MedicalImage,
  source: SourceSeries,
  { segments, form }: SegDescription,
  file: string,
): void {
  const { shape, geometry, data } = masks
  const { rows, columns, slices } = source
  const place = { file }
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
