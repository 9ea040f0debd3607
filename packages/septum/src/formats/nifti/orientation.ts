import {
  type Affine,
  cross,
  dot,
  fromAffineRas,
  type ImageGeometry,
  toAffineRas,
  type Vector3,
} from '@septum/core'
import type { NiftiHeader } from './header.js'

/** The geometry of a file and sentences about what was assumed. */
export interface NiftiGeometry {
  readonly geometry: ImageGeometry
  readonly notes: readonly string[]
}

/**
 * Geometry by the rule of nibabel: the sform if its code is above 0, else the qform, else spacing alone, with the
 * image's centre as origin and x growing to the left. Lengths in micrometres or metres become millimetres.
 * @throws SeptumError `image-geometry`, `image-spacing` for a matrix that is singular or not finite.
 */
export function niftiGeometry(header: NiftiHeader): NiftiGeometry {
  const notes: string[] = []
  const affine =
    header.sformCode > 0
      ? [...header.srow, 0, 0, 0, 1]
      : header.qformCode > 0
        ? qformAffine(header, notes)
        : spacingAffine(header, notes)
  const { unitMm } = header
  if (unitMm !== 1) notes.push('Lengths were converted to millimetres.')
  const inMm = affine.map((value, at) => (at < 12 ? value * unitMm : value))
  return { geometry: fromAffineRas(inMm, header.sizes.length < 3 ? 2 : 3), notes }
}

/** Below this, nifti1_io.c takes the first part of a quaternion, the root of what the others leave of 1, as 0. */
const HALF_TURN = 1e-7

/** Rotation by a unit quaternion, spacing, handedness by pixdim[0] (nifti1.h, method 2). */
function qformAffine(
  { quaternion, pixdim, qoffset }: Pick<NiftiHeader, 'quaternion' | 'pixdim' | 'qoffset'>,
  notes: string[],
  halfTurn = HALF_TURN,
): Affine {
  const [b, c, d] = quaternion
  const rest = 1 - (b * b + c * c + d * d)
  const a = rest < halfTurn ? 0 : Math.sqrt(rest)
  // Single precision lets the sum exceed 1 a little; dividing by the length keeps the matrix a rotation.
  const length = Math.hypot(a, b, c, d)
  if (Math.abs(length - 1) > 1e-3) notes.push('The rotation of the qform was no unit quaternion.')
  const [w, x, y, z] = [a / length, b / length, c / length, d / length]
  const [dx, dy, dz] = spacings(pixdim, notes)
  const qdz = pixdim[0] < 0 ? -dz : dz
  return [
    (w * w + x * x - y * y - z * z) * dx,
    2 * (x * y - w * z) * dy,
    2 * (x * z + w * y) * qdz,
    qoffset[0],
    2 * (x * y + w * z) * dx,
    (w * w + y * y - x * x - z * z) * dy,
    2 * (y * z - w * x) * qdz,
    qoffset[1],
    2 * (x * z - w * y) * dx,
    2 * (y * z + w * x) * dy,
    (w * w + z * z - x * x - y * y) * qdz,
    qoffset[2],
    0,
    0,
    0,
    1,
  ]
}

function spacingAffine({ pixdim, sizes }: NiftiHeader, notes: string[]): Affine {
  notes.push('The file names no orientation: x was taken to grow to the left, y to anterior, z to superior.')
  const steps = spacings(pixdim, notes).map((mm, axis) => (axis === 0 ? -mm : mm))
  const centre = (axis: number) => (-steps[axis]! * ((sizes[axis] ?? 1) - 1)) / 2
  return [steps[0]!, 0, 0, centre(0), 0, steps[1]!, 0, centre(1), 0, 0, steps[2]!, centre(2), 0, 0, 0, 1]
}

function spacings(pixdim: NiftiHeader['pixdim'], notes: string[]): [number, number, number] {
  const [, x, y, z] = pixdim
  if (x === 0 || y === 0 || z === 0) notes.push('A spacing of 0 was taken as 1 mm.')
  return [Math.abs(x) || nanOrOne(x), Math.abs(y) || nanOrOne(y), Math.abs(z) || nanOrOne(z)]
}

/** NaN must stay NaN, so that the geometry is refused. */
const nanOrOne = (mm: number) => (mm === 0 ? 1 : mm)

/** What a writer stores: sform rows, quaternion with pixdim[0], and whether the quaternion says the same. */
export interface StoredOrientation {
  readonly affine: Affine
  readonly quaternion: readonly [number, number, number]
  readonly qfac: 1 | -1
  readonly exact: boolean
}

/**
 * The sform and qform of a geometry. A sheared geometry has no qform; near half turns the quaternion's first part, which
 * is not stored, cannot be recovered from float32: `exact` is false where the qform is off by more than 1e-5.
 */
export function storedOrientation(geometry: ImageGeometry): StoredOrientation {
  const affine = toAffineRas(geometry)
  const spacing = [0, 1, 2].map((i) => Math.hypot(affine[i]!, affine[4 + i]!, affine[8 + i]!))
  const column = (i: number): Vector3 => {
    const mm = spacing[i]!
    return [affine[i]! / mm, affine[4 + i]! / mm, affine[8 + i]! / mm]
  }
  const [x, y, z] = [column(0), column(1), column(2)]
  const qfac = dot(cross(x, y), z) < 0 ? -1 : 1
  const quaternion = toQuaternion(x, y, [z[0] * qfac, z[1] * qfac, z[2] * qfac])
  const pixdim = [qfac, ...spacing] as unknown as NiftiHeader['pixdim']
  const stored = quaternion.map(Math.fround) as unknown as NiftiHeader['quaternion']
  // Readers differ in what they take as a half turn: nibabel knows none, nifti1_io.c and this one do.
  const errors = [0, HALF_TURN].flatMap((halfTurn) => {
    const qform = qformAffine({ quaternion: stored, pixdim, qoffset: geometry.originMm }, [], halfTurn)
    return affine.map((value, at) => (at % 4 === 3 ? 0 : Math.abs(value - qform[at]!) / spacing[at % 4]!))
  })
  return { affine, quaternion, qfac, exact: Math.max(...errors) < 1e-5 }
}

/** b, c, d of the rotation with columns x, y, z; the branch with the largest part avoids a division by little. */
function toQuaternion(x: Vector3, y: Vector3, z: Vector3): readonly [number, number, number] {
  const [xx, yx, zx] = x
  const [xy, yy, zy] = y
  const [xz, yz, zz] = z
  const squares = [1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz]
  const largest = squares.indexOf(Math.max(...squares))
  const root = 2 * Math.sqrt(squares[largest]!)
  const parts = [
    [root / 4, (zy - yz) / root, (xz - zx) / root, (yx - xy) / root],
    [(zy - yz) / root, root / 4, (xy + yx) / root, (xz + zx) / root],
    [(xz - zx) / root, (xy + yx) / root, root / 4, (yz + zy) / root],
    [(yx - xy) / root, (xz + zx) / root, (yz + zy) / root, root / 4],
  ][largest]!
  const sign = parts[0]! < 0 ? -1 : 1
  return [parts[1]! * sign, parts[2]! * sign, parts[3]! * sign]
}
