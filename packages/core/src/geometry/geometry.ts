import { SeptumError } from '../error.js'

/** Three numbers in millimetres or the parts of a direction: towards left, posterior, superior (LPS). */
export type Vector3 = readonly [number, number, number]

/**
 * Where the samples of an image lie in the patient. World coordinates are LPS millimetres: x grows to the
 * patient's left, y to posterior, z to superior (DICOM PS3.3 C.7.6.2.1.1, ITK).
 */
export interface ImageGeometry {
  /** Distance of neighbouring samples, one for each spatial array axis in array order ([z,] y, x). */
  readonly spacingMm: readonly number[]
  /** Centre of sample [0, 0, 0]. */
  readonly originMm: Vector3
  /** Unit vector along which the index of each spatial array axis grows, in array order ([z,] y, x). */
  readonly directions: readonly Vector3[]
}

/** Axes closer to a common plane than this have no usable inverse. */
const LEAST_VOLUME = 1e-6

/**
 * Checks a geometry of two or three axes.
 * @param axes number of spatial axes of the image.
 * @returns the geometry itself.
 * @throws SeptumError `image-spacing` for spacings, `image-geometry` for an origin that is not finite,
 * directions that are no unit vectors (to 1e-4), or that lie in one plane.
 */
export function checkGeometry(geometry: ImageGeometry, axes: number): ImageGeometry {
  const { spacingMm, originMm, directions } = geometry
  if (spacingMm.length !== axes || !spacingMm.every((mm) => mm > 0 && mm < Infinity)) {
    throw new SeptumError(
      'image-spacing',
      `Spacing [${spacingMm.join(', ')}] does not fit an image of ${axes} axes`,
      'Give one positive distance in millimetres for each spatial axis.',
    )
  }
  if (originMm.length !== 3 || !originMm.every(Number.isFinite)) {
    throw new SeptumError(
      'image-geometry',
      `The origin [${originMm.join(', ')}] is no point`,
      'Give three finite numbers.',
    )
  }
  const units = directions.every(
    (vector) => vector.length === 3 && Math.abs(Math.hypot(...vector) - 1) < 1e-4,
  )
  if (directions.length !== axes || !units || !(Math.abs(directionsVolume(directions)) > LEAST_VOLUME)) {
    throw new SeptumError(
      'image-geometry',
      `The directions [${directions.map((vector) => vector.join(', ')).join(' | ')}] span no ${axes} axes`,
      'Give one unit vector for each spatial axis, no two of them parallel.',
    )
  }
  return geometry
}

/** Cross product of two vectors. */
export function cross(a: Vector3, b: Vector3): Vector3 {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/** Scalar product of two vectors. */
export function dot(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/**
 * The directions of x, y, z (index order, not array order) as three vectors; a plane gets its normal x cross y
 * as third.
 */
export function axesXyz(directions: readonly Vector3[]): readonly [Vector3, Vector3, Vector3] {
  const [x, y, z] = [...directions].reverse()
  if (z) return [x!, y!, z]
  const normal = cross(x!, y!)
  const length = Math.hypot(...normal)
  return [x!, y!, [normal[0] / length, normal[1] / length, normal[2] / length]]
}

function directionsVolume(directions: readonly Vector3[]): number {
  if (directions.length === 2) return Math.hypot(...cross(directions[0]!, directions[1]!))
  if (directions.length !== 3) return 0
  return dot(cross(directions[0]!, directions[1]!), directions[2]!)
}
