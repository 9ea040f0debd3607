import { SeptumError } from '../error.js'
import { axesXyz, checkGeometry, type ImageGeometry, type Vector3 } from './geometry.js'

/** A 4 x 4 matrix, 16 numbers row by row. The last row is 0 0 0 1. */
export type Affine = readonly number[]

/**
 * The affine of index (x, y, z) to world millimetres in RAS+ coordinates, as nibabel and NIfTI have it.
 * A plane gets a third axis of 1 mm along its normal.
 */
export function toAffineRas(geometry: ImageGeometry): Affine {
  const lps = toAffineLps(geometry)
  return lps.map((value, at) => (at < 8 && value !== 0 ? -value : value))
}

/** The affine of index (x, y, z) to world millimetres in LPS+ coordinates, as DICOM and ITK have it. */
export function toAffineLps({ spacingMm, originMm, directions }: ImageGeometry): Affine {
  const axes = axesXyz(directions)
  const spacing = [...spacingMm].reverse()
  const row = (world: 0 | 1 | 2) => [
    ...axes.map((axis, i) => axis[world] * (spacing[i] ?? 1)),
    originMm[world],
  ]
  return [...row(0), ...row(1), ...row(2), 0, 0, 0, 1]
}

/**
 * The geometry of an affine of index (x, y, z) to RAS+ millimetres.
 * @param axes 3 for a volume, 2 for a plane, whose third column is left out.
 * @throws SeptumError `image-geometry`, `image-spacing` for a matrix that is singular or not finite.
 */
export function fromAffineRas(affine: Affine, axes: 2 | 3 = 3): ImageGeometry {
  return fromAffineLps(
    affine.map((value, at) => (at < 8 && value !== 0 ? -value : value)),
    axes,
  )
}

/** As `fromAffineRas`, of an affine to LPS+ millimetres. */
export function fromAffineLps(affine: Affine, axes: 2 | 3 = 3): ImageGeometry {
  if (affine.length !== 16 || !affine.every(Number.isFinite)) {
    throw new SeptumError(
      'image-geometry',
      'The affine is no matrix of 16 finite numbers',
      'Repair the orientation of the image with the program that wrote it.',
    )
  }
  const columns = [2, 1, 0].slice(3 - axes).map((i): Vector3 => [affine[i]!, affine[4 + i]!, affine[8 + i]!])
  const spacingMm = columns.map((column) => Math.hypot(...column))
  return checkGeometry(
    {
      spacingMm,
      originMm: [affine[3]!, affine[7]!, affine[11]!],
      directions: columns.map(([x, y, z], i): Vector3 => {
        const length = spacingMm[i]!
        return [x / length, y / length, z / length]
      }),
    },
    axes,
  )
}

/** Matrix product of two affines: `multiply(a, b)` applies b first. */
export function multiplyAffines(a: Affine, b: Affine): Affine {
  return Array.from({ length: 16 }, (_, at) => {
    const [row, column] = [at >> 2, at & 3]
    let sum = 0
    for (let k = 0; k < 4; k++) sum += a[row * 4 + k]! * b[k * 4 + column]!
    return sum
  })
}

/**
 * Inverse of an affine.
 * @throws SeptumError `image-geometry` for a singular matrix.
 */
export function invertAffine(affine: Affine): Affine {
  const [a, b, c, tx, d, e, f, ty, g, h, i, tz] = affine as number[] as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
  if (!(Math.abs(determinant) > 0) || !Number.isFinite(1 / determinant)) {
    throw new SeptumError(
      'image-geometry',
      'The affine is singular: two axes of the image point the same way',
      'Repair the orientation of the image with the program that wrote it.',
    )
  }
  const m = [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ].map((value) => value / determinant) // biome keeps rows apart
  const shift = (row: number) => -(m[row]! * tx + m[row + 1]! * ty + m[row + 2]! * tz)
  return [...m.slice(0, 3), shift(0), ...m.slice(3, 6), shift(3), ...m.slice(6, 9), shift(6), 0, 0, 0, 1]
}

/** @returns world coordinates of an index (x, y, z), in the affine's frame. */
export function applyAffine(affine: Affine, [x, y, z]: Vector3): Vector3 {
  const row = (at: number) => affine[at]! * x + affine[at + 1]! * y + affine[at + 2]! * z + affine[at + 3]!
  return [row(0), row(4), row(8)]
}
