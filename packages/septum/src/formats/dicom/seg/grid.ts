import { cross, dot, type ImageGeometry, type MedicalImage, type Vector3 } from '@septum/core'
import type { Dataset } from '../dataset.js'
import type { FramePlace } from '../frame-place.js'
import { broken, fail } from '../problem.js'

/** Grid of the source images: shape [C, D, H, W] and geometry, as `readDicom` gives them. */
export type SegGrid = Pick<MedicalImage, 'shape' | 'geometry'>

/** Segment and place of a frame. */
export interface SegFramePlace {
  readonly segment: number
  readonly position: Vector3
}

/** A grid of slices, one or more. */
interface SliceGrid {
  readonly size: readonly [number, number, number]
  readonly geometry: ImageGeometry
}

/** The grid of the source; a single image is a grid of one slice. */
export function givenGrid(
  onto: SegGrid,
  place: FramePlace,
  layout: { rows: number; columns: number },
  file: string,
): SliceGrid {
  const { geometry, shape } = onto
  const [rows, columns] = shape.slice(-2)
  const turned =
    geometry &&
    place.along &&
    Math.min(
      dot(place.along.x, geometry.directions.at(-1)!),
      dot(place.along.y, geometry.directions.at(-2)!),
    ) < 0.9999
  if (!geometry || turned || rows !== layout.rows || columns !== layout.columns) offGrid(file)
  if (shape.length === 4) return { size: [shape[1]!, rows, columns], geometry }
  const normal = cross(geometry.directions[1]!, geometry.directions[0]!)
  return {
    size: [1, rows, columns],
    geometry: {
      ...geometry,
      spacingMm: [1, ...geometry.spacingMm],
      directions: [normal, ...geometry.directions],
    },
  }
}

/** The grid of a segmentation's own frames, from the first to the last slice that has one. */
export function ownGrid(
  dataset: Dataset,
  frames: readonly SegFramePlace[],
  [place]: readonly FramePlace[],
  { rows, columns }: { rows: number; columns: number },
  file: string,
): SliceGrid {
  const { along, spacingMm } = place!
  if (!along || !spacingMm) broken(file, 'its orientation or pixel spacing is missing')
  const normal = cross(along.x, along.y)
  const sorted = frames.map(({ position }) => position).toSorted((a, b) => dot(a, normal) - dot(b, normal))
  const first = sorted[0]!
  const heights = sorted.map((position) => dot(position, normal) - dot(first, normal))
  const gaps = heights.slice(1).map((height, i) => height - heights[i]!)
  const measures = dataset.item('SharedFunctionalGroupsSequence')?.item('PixelMeasuresSequence')
  const stated = measures?.number('SpacingBetweenSlices') ?? measures?.number('SliceThickness') ?? 1
  const reach = heights.at(-1)!
  const smallest = gaps.filter((gap) => gap > 1e-3).reduce((a, b) => Math.min(a, b), Infinity)
  // Empty slices have no frame, so the smallest gap may be several slices; what the file states wins when it fits.
  const fits = stated > 0 && Math.abs(smallest / stated - Math.round(smallest / stated)) < 0.05
  const step = fits || smallest === Infinity ? stated : smallest
  const slices = Math.round(reach / step) + 1
  const last = sorted.at(-1)!
  const length = Math.hypot(last[0] - first[0], last[1] - first[1], last[2] - first[2])
  const direction: Vector3 =
    reach > 1e-3
      ? [(last[0] - first[0]) / length, (last[1] - first[1]) / length, (last[2] - first[2]) / length]
      : normal
  return {
    size: [slices, rows, columns],
    geometry: {
      spacingMm: [slices > 1 ? length / (slices - 1) : step, ...spacingMm],
      originMm: first,
      directions: [direction, along.y, along.x],
    },
  }
}

/** Slice of a position; it may lie a tenth of a sample beside. */
export function sliceOf(position: Vector3, { size, geometry }: SliceGrid, file: string): number {
  const { originMm, directions, spacingMm } = geometry
  const offset: Vector3 = [position[0] - originMm[0], position[1] - originMm[1], position[2] - originMm[2]]
  const normal = cross(directions[2]!, directions[1]!)
  const slice = Math.round(dot(offset, normal) / (spacingMm[0]! * dot(directions[0]!, normal)))
  const beside = offset.map((mm, axis) => mm - slice * spacingMm[0]! * directions[0]![axis]!)
  if (slice < 0 || slice >= size[0] || Math.hypot(...beside) > 0.1 * Math.min(...spacingMm.slice(1)))
    offGrid(file)
  return slice
}

function offGrid(file: string): never {
  return fail(
    'seg-grid',
    'The frames of the segmentation do not lie on the grid of the images',
    'Give the images that the segmentation was made from.',
    file,
  )
}
