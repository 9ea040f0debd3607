import { checkGeometry, type ImageGeometry, type Vector3 } from '@septum/core'
import type { ImageHeader, ReadLimits } from '../format.js'
import { type AxisRoles, axisRoles, geometryOfVectors } from '../volume/axes.js'
import { countSamples } from '../volume/grid.js'
import { decodedBytes, largestValue } from '../volume/samples.js'
import type { NrrdHeader } from './header.js'

/**
 * What a header says of its image, and how its samples become channels and space.
 * @throws SeptumError `volume-broken`, `volume-unsupported`, `volume-too-large`, `image-geometry`, `image-spacing`.
 */
export function describeNrrd(
  file: string,
  header: NrrdHeader,
  { maxBytes }: ReadLimits,
): { readonly header: ImageHeader; readonly roles: AxisRoles } {
  const { sizes, sampleType } = header
  countSamples(sizes, decodedBytes(sampleType), maxBytes, file)
  const spatial = spatialAxes(header)
  const roles = axisRoles(sizes, spatial, file)
  const notes = [...header.notes]
  const geometry = geometryOf(header, spatial, notes)
  if (roles.channels > 1)
    notes.push(`An axis of ${roles.channels} values that is not one of space became channels.`)
  return {
    roles,
    header: {
      format: 'NRRD',
      shape: roles.shape,
      ...(geometry && { geometry: checkGeometry(geometry, roles.shape.length - 1) }),
      maxValue: largestValue(sampleType),
      sampleType,
      notes,
    },
  }
}

/** By directions, else by kinds, else by spacings; without any of them the fourth axis is one of channels. */
function spatialAxes({ sizes, directions, kinds, spacings }: NrrdHeader): boolean[] {
  if (directions) return directions.map((vector) => vector !== undefined)
  if (kinds)
    return kinds.map((kind) => kind === 'domain' || kind === 'space' || kind === '???' || kind === 'none')
  if (spacings?.some(Number.isFinite)) return spacings.map((mm, axis) => Number.isFinite(mm) && axis < 3)
  return sizes.map((_, axis) => axis < 3)
}

function geometryOf(
  header: NrrdHeader,
  spatial: readonly boolean[],
  notes: string[],
): ImageGeometry | undefined {
  const { directions, toLps = [1, 1, 1], origin, spacings } = header
  const inLps = ([x, y, z]: Vector3): Vector3 => [x * toLps[0], y * toLps[1], z * toLps[2]]
  if (directions) {
    if (!header.toLps)
      notes.push('The file does not name its world axes: they were taken as left, posterior, superior.')
    const vectors = directions.filter((vector) => vector !== undefined)
    return geometryOfVectors(vectors.map(inLps), inLps(origin))
  }
  if (!spacings) return undefined
  notes.push('The file names no orientation: its axes were taken to grow to left, posterior, superior.')
  const own = spacings.filter((_, axis) => spatial[axis])
  const axes: Vector3[] = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ]
  return { spacingMm: own.reverse(), originMm: [0, 0, 0], directions: axes.slice(0, own.length).reverse() }
}
