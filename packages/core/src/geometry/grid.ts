import { SeptumError } from '../error.js'
import type { MedicalImage } from '../image.js'
import { applyAffine, toAffineLps } from './affine.js'
import { checkGeometry, dot, type ImageGeometry, type Vector3 } from './geometry.js'
import { orientationCode } from './orientation.js'

/** Places of samples in space: how many along each spatial array axis ([z,] y, x), and where. */
export interface ImageGrid {
  readonly size: readonly number[]
  readonly geometry: ImageGeometry
}

/**
 * The grid of an image.
 * @throws SeptumError `image-geometry` for an image without geometry.
 */
export function gridOf({ shape, geometry }: Pick<MedicalImage, 'shape' | 'geometry'>): ImageGrid {
  if (!geometry) {
    throw new SeptumError(
      'image-geometry',
      'The image has no geometry, so that its place in space is unknown',
      'Use a format that keeps it, such as NIfTI or DICOM.',
    )
  }
  return { size: shape.slice(1), geometry }
}

/**
 * A grid of another spacing over the same region: axes and centre stay, each size is rounded to the nearest whole
 * number above 0. The outermost samples then never lie outside the first grid's outermost voxels.
 * @param spacingMm one positive distance for each axis, in array order.
 * @throws SeptumError `image-spacing`.
 */
export function gridWithSpacing({ size, geometry }: ImageGrid, spacingMm: readonly number[]): ImageGrid {
  checkGeometry({ ...geometry, spacingMm }, size.length)
  const newSize = size.map((count, axis) =>
    Math.max(1, Math.round((count * geometry.spacingMm[axis]!) / spacingMm[axis]!)),
  )
  const originMm = [...geometry.originMm] as [number, number, number]
  size.forEach((count, axis) => {
    const shift = ((count - 1) * geometry.spacingMm[axis]! - (newSize[axis]! - 1) * spacingMm[axis]!) / 2
    for (let world = 0; world < 3; world++) originMm[world]! += shift * geometry.directions[axis]![world]!
  })
  return { size: newSize, geometry: { ...geometry, spacingMm, originMm } }
}

/**
 * What differs between two grids that should be one, in a sentence; undefined where no sample of one lies farther than
 * the tolerance from that of the other.
 * @param toleranceMm default 1e-3: what float32 headers of equal scans differ by.
 */
export function gridDifference(a: ImageGrid, b: ImageGrid, toleranceMm = 1e-3): string | undefined {
  const sizes = [a, b].map(({ size }) => size.join(' x '))
  if (sizes[0] !== sizes[1]) return `The sizes ${sizes[0]} and ${sizes[1]} differ.`
  const distance = farthestApart(a, b)
  if (distance <= toleranceMm) return undefined
  const codes = [orientationCode(a.geometry), orientationCode(b.geometry)]
  if (codes[0] !== codes[1]) return `The axes run toward ${codes[0]} and ${codes[1]}.`
  const steps = [a, b].map(({ geometry }) => geometry.spacingMm.map((mm) => +mm.toPrecision(6)).join(' x '))
  const longest = Math.max(...a.size)
  const stretched = a.geometry.spacingMm.some(
    (mm, axis) => Math.abs(mm - b.geometry.spacingMm[axis]!) * longest > toleranceMm,
  )
  if (stretched) return `The spacings ${steps[0]} and ${steps[1]} mm differ.`
  const cosines = a.geometry.directions.map((direction, axis) => dot(direction, b.geometry.directions[axis]!))
  const degrees = (Math.acos(Math.min(1, ...cosines)) * 180) / Math.PI
  if (degrees > 1e-3) return `The axes are turned by ${degrees.toPrecision(3)} degrees against each other.`
  return `The images lie ${distance.toPrecision(3)} mm apart.`
}

/** Largest distance of equal corners, in millimetres: between affine maps no other sample is farther apart. */
function farthestApart(a: ImageGrid, b: ImageGrid): number {
  const [to, from] = [toAffineLps(a.geometry), toAffineLps(b.geometry)]
  const [x, y, z = 1] = [...a.size].reverse()
  let most = 0
  for (let corner = 0; corner < 8; corner++) {
    const index: Vector3 = [corner & 1 ? x! - 1 : 0, corner & 2 ? y! - 1 : 0, corner & 4 ? z - 1 : 0]
    const [p, q] = [applyAffine(to, index), applyAffine(from, index)]
    most = Math.max(most, Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]))
  }
  return most
}
