import { type ImageGeometry, resample } from '@septum/core'
import type { Decoded } from './decode.js'
import type { Grid } from './grid.js'

/**
 * Samples an image at the places of another grid, by the patient's coordinates where both know them, else
 * with both images stretched over the same area (half-pixel centres). Outside there is background.
 * @param continuous linear interpolation; otherwise the nearest sample.
 */
export function resampled(image: Decoded, target: Grid, continuous: boolean): Decoded {
  const { file, channels, size, maxValue } = image
  const known = image.geometry && target.geometry
  const [from, to] = known
    ? [image.geometry!, target.geometry!]
    : [stretchedOver(size, target.size), stretchedOver(target.size, target.size)]
  const floats = image.data instanceof Float32Array || image.data instanceof Float64Array
  // Whole numbers that stand for probabilities become fractions of their largest.
  const data = continuous && !floats ? Float32Array.from(image.data, (v) => v / maxValue) : image.data
  const moved = resample(
    { data, shape: [channels, ...size], geometry: from, maxValue },
    { size: target.size, geometry: to },
    continuous ? 'linear' : 'nearest',
  )
  return {
    file,
    channels,
    size: target.size,
    geometry: target.geometry,
    data: moved.data,
    maxValue: continuous ? 1 : maxValue,
  }
}

/** A made-up geometry in which an image of `size` covers what one of `over` does at spacing 1. */
function stretchedOver(size: readonly number[], over: readonly number[]): ImageGeometry {
  const spacingMm = size.map((n, i) => over[i]! / n)
  const first = [...spacingMm].reverse().map((mm) => mm / 2 - 0.5)
  const unit = [
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ] as const
  return {
    spacingMm,
    originMm: [first[0]!, first[1]!, first[2] ?? 0],
    directions: unit.slice(3 - size.length),
  }
}
