import type { MedicalImage } from '@septum/core'
import { fillPolygon, type Point } from './fill-polygon.js'
import { descendants, readXml } from './xml.js'

/**
 * Draws the regions of an ImageScope annotation file (MoNuSeg: one region a nucleus, vertices in pixels of the
 * image): region k becomes the value k + 1; where regions overlap the later one counts.
 * @param shape of the image, [C, H, W].
 * @returns [1, H, W] uint16.
 * @throws SeptumError `xml-invalid`.
 */
export async function drawPolygons(file: string, shape: readonly number[]): Promise<MedicalImage> {
  const [height = 0, width = 0] = shape.slice(-2)
  const data = new Uint16Array(height * width)
  const regions = descendants(await readXml(file), 'Region')
  for (const [index, region] of regions.entries()) {
    const points = descendants(region, 'Vertex').map(
      ({ attributes }): Point => [Number(attributes.get('X')), Number(attributes.get('Y'))],
    )
    if (points.length < 3 || !points.flat().every(Number.isFinite)) continue
    fillPolygon(points, [height, width], 'inside', (at) => {
      data[at] = index + 1
    })
  }
  return { data, shape: [1, height, width], maxValue: 65535 }
}
