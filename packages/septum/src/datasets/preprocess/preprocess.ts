import {
  gridOf,
  gridWithSpacing,
  type ImageGeometry,
  type ImageGrid,
  type ImageSamples,
  normaliseValues,
  resample,
  type ValueMap,
} from '@septum/core'
import type { Preprocessing } from './schema.js'

const product = (size: readonly number[]): number => size.reduce((a, b) => a * b, 1)

/** Samples of a case before preprocessing. */
export interface Stored {
  /** [C, ...size] */
  readonly image: ImageSamples
  readonly maxValue: number
  /** [R, ...size] labels, or empty. */
  readonly masks: Uint8Array
  readonly size: readonly number[]
  readonly geometry?: ImageGeometry
}

/** A case as networks see it. */
export interface Preprocessed {
  /** [C', ...size'] float32. */
  readonly image: Float32Array
  readonly maxValue: 1
  readonly masks: Uint8Array
  readonly size: readonly number[]
  readonly geometry?: ImageGeometry
  /** How the values of each channel came about. */
  readonly preprocessed: readonly ValueMap[]
}

/** The grid that an image is brought to; null where it stays on its own: without geometry, or a spacing to reach. */
function targetGrid(
  size: readonly number[],
  geometry: ImageGeometry | undefined,
  { spacingMm }: Preprocessing,
): ImageGrid | null {
  if (!spacingMm || !geometry) return null
  // A spacing for the plane leaves the distance of slices as it is.
  const wanted = [...geometry.spacingMm.slice(0, size.length - spacingMm.length), ...spacingMm].slice(
    -size.length,
  )
  if (wanted.every((mm, axis) => mm === geometry.spacingMm[axis])) return null
  return gridWithSpacing({ geometry, size }, wanted)
}

/** Size that a case has after `preprocess`. */
export function preprocessedSize(
  size: readonly number[],
  geometry: ImageGeometry | undefined,
  rules: Preprocessing,
): readonly number[] {
  return targetGrid(size, geometry, rules)?.size ?? size
}

/**
 * Brings values into range, then the image to the spacing of `rules` (in this order, as nnU-Net v2); masks by nearest.
 * @throws SeptumError `preprocess-channels`, `preprocess-values`, `image-geometry`.
 */
export function preprocess(
  { image, maxValue, masks, size, geometry }: Stored,
  rules: Preprocessing,
): Preprocessed {
  const { data, maps } = normaliseValues(rules, image, product(size), maxValue)
  const grid = targetGrid(size, geometry, rules)
  if (!grid || !geometry) {
    const same = { image: data, maxValue: 1 as const, masks, size, preprocessed: maps }
    return geometry ? { ...same, geometry } : same
  }
  const of = (samples: ImageSamples) => ({
    data: samples,
    shape: [samples.length / product(size), ...size],
    geometry,
    maxValue: 1,
  })
  const moved = resample(of(data), grid, rules.interpolation)
  const labels = masks.length > 0 ? resample(of(masks), grid, 'nearest').data : masks
  return {
    image: moved.data as Float32Array,
    maxValue: 1,
    masks: labels as Uint8Array,
    size: grid.size,
    geometry: grid.geometry,
    preprocessed: maps,
  }
}

/**
 * Brings a result back to the grid of the stored image.
 * @param values [C, ...size'] on the preprocessed grid: labels with 'nearest', probabilities with 'linear'.
 * @returns [C, ...size]; `values` itself when the grids agree.
 */
export function restore<S extends ImageSamples>(
  values: S,
  size: readonly number[],
  geometry: ImageGeometry | undefined,
  rules: Preprocessing,
  interpolation: 'nearest' | 'linear',
): S {
  const grid = targetGrid(size, geometry, rules)
  if (!grid || !geometry) return values
  const image = {
    data: values,
    shape: [values.length / product(grid.size), ...grid.size],
    geometry: grid.geometry,
    maxValue: 1,
  }
  return resample(image, gridOf({ shape: [1, ...size], geometry }), interpolation).data as S
}
