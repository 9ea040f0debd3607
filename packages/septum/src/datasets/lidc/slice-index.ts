import type { ImageGeometry } from '@septum/core'

/** Share of a slice distance by which an outline may miss its slice. */
const TOLERANCE = 0.25

/** The slice of a series at a position along z, as annotation files name slices; undefined where it has none. */
export function sliceIndex({ spacingMm, originMm, directions }: ImageGeometry, depth: number, zMm: number) {
  const position = (zMm - originMm[2]) / (spacingMm[0]! * directions[0]![2])
  const slice = Math.round(position)
  return Math.abs(position - slice) < TOLERANCE && slice >= 0 && slice < depth ? slice : undefined
}
