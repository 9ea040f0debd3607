import { type ImageGeometry, SeptumError } from '@septum/core'
import { geometryDifference } from '../datasets/geometry-difference.js'
import type { Decoded } from './decode.js'
import { resampled } from './regrid.js'

/** Where the samples of a mask lie: [height, width] or [depth, height, width]. */
export interface Grid {
  readonly size: readonly number[]
  /** Absent for photographs. */
  readonly geometry?: ImageGeometry
}

/** The grid of a plane where a volume has one slice: that axis leads nowhere. */
export function flatGrid<T extends Grid>(grid: T): T {
  const { size, geometry } = grid
  if (size.length !== 3 || size[0] !== 1) return grid
  const plane = geometry && {
    ...geometry,
    spacingMm: geometry.spacingMm.slice(1),
    directions: geometry.directions.slice(1),
  }
  return { ...grid, size: size.slice(1), ...(plane ? { geometry: plane } : {}) }
}

/**
 * How two grids differ, as the end of a sentence; null where they are the same. Places are compared only
 * where both are known: a PNG has none.
 */
export function sameGrid(own: Grid, other: Grid): string | null {
  if (own.size.length !== other.size.length || own.size.some((n, i) => n !== other.size[i]))
    return `${own.size.join(' x ')} against ${other.size.join(' x ')} ${own.size.length === 2 ? 'pixels' : 'voxels'}`
  if (!own.geometry || !other.geometry) return null
  return geometryDifference(own.geometry, other.geometry) ?? null
}

export interface RegridOptions {
  /** Bring it onto the reference's grid instead of refusing it. */
  readonly resample: boolean
  /** Probabilities are interpolated, labels take the nearest. */
  readonly continuous: boolean
}

/**
 * A prediction on the grid of its reference.
 * @throws SeptumError `grid-size`, `grid-place` where the grids differ and `resample` is off.
 */
export function onGridOf(
  decoded: Decoded,
  reference: Grid,
  { resample, continuous }: RegridOptions,
): Decoded {
  const difference = sameGrid(decoded, reference)
  if (!difference) return decoded
  if (decoded.size.length !== reference.size.length || !resample) {
    const { length } = reference.size
    const sizes = decoded.size.length !== length || decoded.size.some((n, i) => n !== reference.size[i])
    throw new SeptumError(
      sizes ? 'grid-size' : 'grid-place',
      `Prediction and reference differ: ${difference}`,
      decoded.size.length === length
        ? 'Predict on the grid of the reference, or give --resample.'
        : 'A plane and a volume cannot be compared.',
      { file: decoded.file },
    )
  }
  return resampled(decoded, reference, continuous)
}
