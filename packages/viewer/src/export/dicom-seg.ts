import { type BundleClass, type MedicalImage, stackedMasks } from '@septum/core'
import { encodeSeg, type SourceSeries } from 'septum/browser'

/**
 * Masks as a DICOM Segmentation that refers to its source slice by slice. Name and dates of the patient are copied from
 * the source, as the standard wants of objects of one study; the file stays on the person's disk.
 * @param labels [D, H, W] or [H, W] on the grid of the source, with the labels of the classes. @throws SeptumError `seg-masks`.
 */
export function segOf(
  labels: Uint8Array,
  image: Pick<MedicalImage, 'shape' | 'geometry'>,
  source: SourceSeries,
  classes: readonly BundleClass[],
  name: string,
): Uint8Array {
  const { geometry } = image
  const regions = classes.some(({ region }) => region)
  const masks = {
    data: regions ? stackedMasks(labels, classes) : labels,
    shape: [regions ? classes.length : 1, ...image.shape.slice(1)],
    maxValue: 255,
    ...(geometry && { geometry }),
  }
  const segments = classes.map(({ name: label, colour, category, type }) => ({
    label: [...label].slice(0, 64).join(''),
    colour: [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16)) as unknown as readonly [
      number,
      number,
      number,
    ],
    ...(category && { category }),
    ...(type && { type }),
  }))
  return encodeSeg(masks, source, { segments }, name)
}
