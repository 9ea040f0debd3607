import { type MedicalImage, SeptumError } from '@septum/core'
import { type ReadLimits, readImageHeader } from '../../formats/index.js'
import { sliceIndex } from '../lidc/slice-index.js'
import { fillPolygon } from './fill-polygon.js'
import { readLidcAnnotations } from './lidc-annotations.js'

/**
 * Draws the nodules that one reader outlined, on the grid of the CT series. An outline runs along the first
 * pixels outside the nodule (LIDC-IDRI's annotation guide), so its own pixels are left out; holes are cut out.
 * @param reader 0 to 3, number of the reading session; a session that is not in the file marked nothing.
 * @param series folder of the CT's DICOM files.
 * @returns [1, D, H, W] uint8 with 1 in nodules.
 * @throws SeptumError `lidc-slice` for an outline that lies in no slice of the series.
 */
export async function drawLidcContours(
  file: string,
  reader: number,
  series: string,
  limits: Partial<ReadLimits>,
): Promise<MedicalImage> {
  const { shape, geometry } = await readImageHeader(series, limits)
  const [, depth = 0, height = 0, width = 0] = shape
  if (shape.length !== 4 || !geometry) {
    throw new SeptumError(
      'lidc-slice',
      'The images beside the annotations are no CT series',
      'Keep the XML file in the folder of its series.',
      { file: series },
    )
  }
  const data = new Uint8Array(depth * height * width)
  const { nodules } = await readLidcAnnotations(file)
  // Holes last: they may be told before the outline that they lie in.
  const outlines = nodules
    .filter((nodule) => nodule.reader === reader)
    .flatMap((nodule) => nodule.outlines)
    .sort((a, b) => Number(b.inclusion) - Number(a.inclusion))
  for (const { zMm, inclusion, points } of outlines) {
    const slice = sliceIndex(geometry, depth, zMm)
    if (slice === undefined) {
      throw new SeptumError(
        'lidc-slice',
        `An outline lies at z = ${zMm} mm, where the series has no slice`,
        'Check that the series is complete and that the XML belongs to it.',
        { file },
      )
    }
    const plane = data.subarray(slice * height * width, (slice + 1) * height * width)
    fillPolygon(points, [height, width], 'outside', (at) => {
      plane[at] = inclusion ? 1 : 0
    })
  }
  return { data, shape: [1, depth, height, width], geometry, maxValue: 255 }
}
