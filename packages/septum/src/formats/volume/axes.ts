import type { ImageGeometry, Vector3 } from '@septum/core'
import { unsupported } from './problem.js'

/** How the axes of a file, fastest first, become channels and space. */
export interface AxisRoles {
  /** [C, H, W] or [C, D, H, W]. */
  readonly shape: readonly number[]
  readonly channels: number
  /** Samples between two values of one voxel when channels are not the slowest axis already. */
  readonly inner: number
}

/**
 * Sorts the axes of a file into one axis of channels and two or three of space.
 * @param sizes fastest axis first. @param spatial which of them are axes of space.
 * @throws SeptumError `volume-unsupported` for other than two or three spatial axes, or channels at two places.
 */
export function axisRoles(sizes: readonly number[], spatial: readonly boolean[], file: string): AxisRoles {
  const space = sizes.filter((_, axis) => spatial[axis])
  const others = sizes.map((_, axis) => axis).filter((axis) => !spatial[axis])
  const apart = others.some((axis, i) => i > 0 && axis !== others[i - 1]! + 1)
  if (space.length < 2 || space.length > 3 || apart) {
    throw unsupported(
      file,
      `The file has ${space.length} axes of space and ${others.length} others`,
      'Convert it to an image of two or three axes, with channels as one more.',
    )
  }
  const channels = others.reduce((product, axis) => product * sizes[axis]!, 1)
  const inner = sizes.slice(0, others[0] ?? sizes.length).reduce((product, size) => product * size, 1)
  return { shape: [channels, ...space.reverse()], channels, inner }
}

/** Vectors (unit times spacing) of the spatial axes, fastest first, as geometry. Lengths of 0 stay for the check. */
export function geometryOfVectors(vectors: readonly Vector3[], originMm: Vector3): ImageGeometry {
  const slowestFirst = [...vectors].reverse()
  const spacingMm = slowestFirst.map((vector) => Math.hypot(...vector))
  const directions = slowestFirst.map(([x, y, z], i): Vector3 => {
    const mm = spacingMm[i]!
    return [x / mm, y / mm, z / mm]
  })
  return { spacingMm, originMm, directions }
}
