import type { ImageGeometry } from '@septum/core'

/** Millimetres by which corners may be apart, as a share of the smallest spacing. */
const TOLERANCE = 1e-2

/**
 * In words, what differs between two geometries of one size; undefined where nothing does to within a hundredth
 * of a sample (spacing, origin) and 1e-3 (each part of a direction).
 */
export function geometryDifference(a: ImageGeometry, b: ImageGeometry): string | undefined {
  const step = Math.min(...a.spacingMm)
  const apart = (one: readonly number[], other: readonly number[], most: number) =>
    one.length !== other.length || one.some((value, k) => !(Math.abs(value - other[k]!) <= most))
  const text = (values: readonly number[]) => values.map((value) => Number(value.toFixed(3))).join(' x ')
  if (apart(a.spacingMm, b.spacingMm, TOLERANCE * step)) {
    return `spacing ${text([...a.spacingMm].reverse())} mm and ${text([...b.spacingMm].reverse())} mm`
  }
  if (a.directions.some((direction, k) => apart(direction, b.directions[k]!, 1e-3)))
    return 'its axes point elsewhere'
  if (apart(a.originMm, b.originMm, TOLERANCE * step)) {
    const distance = Math.hypot(...a.originMm.map((value, k) => value - b.originMm[k]!))
    return `its origin is ${Number(distance.toPrecision(3))} mm away`
  }
  return undefined
}
