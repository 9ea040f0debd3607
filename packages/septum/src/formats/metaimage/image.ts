import { checkGeometry, type Vector3 } from '@septum/core'
import type { ImageHeader, ReadLimits } from '../format.js'
import { type AxisRoles, axisRoles } from '../volume/axes.js'
import { countSamples } from '../volume/grid.js'
import { decodedBytes, largestValue } from '../volume/samples.js'
import type { MetaHeader } from './header.js'

/** Whether the samples follow the header in the same file. */
export const isAttachedMeta = ({ dataFile }: MetaHeader): boolean => /^LOCAL(FILE)?$/i.test(dataFile)

/**
 * What a header says of its image, and how its samples become channels and space.
 * @throws SeptumError `volume-broken`, `volume-unsupported`, `volume-too-large`, `image-geometry`, `image-spacing`.
 */
export function describeMeta(
  file: string,
  meta: MetaHeader,
  { maxBytes }: ReadLimits,
): { readonly header: ImageHeader; readonly roles: AxisRoles } {
  const { sizes, channels, sampleType, spacing, matrix, origin } = meta
  countSamples([...sizes, channels], decodedBytes(sampleType), maxBytes, file)
  const axes = Math.min(sizes.length, 3)
  const all = channels > 1 ? [channels, ...sizes] : [...sizes]
  const roles = axisRoles(
    all,
    all.map((_, axis) => (channels > 1 ? axis > 0 && axis <= axes : axis < axes)),
    file,
  )
  // A plane keeps two parts of its vectors and origin: it lies in the plane of x and y.
  const vector = (parts: readonly number[]): Vector3 => [parts[0]!, parts[1]!, axes === 3 ? parts[2]! : 0]
  const directions = Array.from({ length: axes }, (_, axis) => {
    const [x, y, z] = vector(matrix.slice(axis * sizes.length, (axis + 1) * sizes.length))
    const length = Math.hypot(x, y, z)
    return [x / length, y / length, z / length] as const
  })
  const geometry = {
    spacingMm: spacing.slice(0, axes).reverse(),
    originMm: vector(origin),
    directions: directions.reverse(),
  }
  return {
    roles,
    header: {
      format: 'MetaImage',
      shape: roles.shape,
      geometry: checkGeometry(geometry, axes),
      maxValue: largestValue(sampleType),
      sampleType,
      notes: sizes.length > 3 ? ['Axes beyond the third became channels.'] : [],
    },
  }
}
