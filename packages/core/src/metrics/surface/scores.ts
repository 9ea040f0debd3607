import { gridOf } from '../grid.js'
import { edgeDistances, type SurfaceDistances, surfacePair, surfelDistances } from './distances.js'
import { ascending, percentile, weightedPercentile } from './percentile.js'

export interface SurfaceOptions {
  /** Distance between neighbours along each axis; default 1 (results in pixels). */
  readonly spacing?: readonly number[]
  /** Tolerance of the surface Dice, in the unit of the spacing. Default 1. */
  readonly tolerance?: number
  /** A distance where exactly one mask is empty: undefined (NaN, the default) or the image's diagonal. */
  readonly oneEmpty?: 'undefined' | 'diagonal'
}

/** Scores on edge pixels. Distances are in the unit of the spacing. */
export interface EdgeScores {
  /** Hausdorff distance: the largest distance of either direction. */
  readonly hd: number
  /** MONAI: 95th percentile of each direction, interpolated linearly; the larger. */
  readonly hd95: number
  /** MedPy: 95th percentile of the distances of both directions together. */
  readonly hd95Pooled: number
  /** Mean of the distances of both directions together (MONAI's symmetric mean, MedPy from 0.5.2). */
  readonly assd: number
  /** Mean of the two directed means (MedPy 0.4, older MONAI): the two-sided average surface distance. */
  readonly asdTwoSided: number
  /** Directed mean from prediction to reference (MONAI's default). */
  readonly asd: number
  /** Directed mean from reference to prediction. */
  readonly asdFromReference: number
  /** Share of the edge pixels of both masks within the tolerance of the other (MONAI). */
  readonly nsd: number
}

/** The same on surface elements between pixels, each weighing its length or area (DeepMind). */
export interface SurfelScores {
  readonly hdSurfel: number
  /** Per direction the first distance at which the summed size reaches 95 %; the larger. */
  readonly hd95Surfel: number
  /** Size-weighted mean of both directions together. */
  readonly assdSurfel: number
  /** Size-weighted mean from prediction to reference. */
  readonly asdSurfel: number
  /** Size-weighted mean from reference to prediction. */
  readonly asdSurfelFromReference: number
  /** Share of the summed size within the tolerance: the normalised surface Dice as published. */
  readonly nsdSurfel: number
}

/**
 * Surface scores on edge pixels. Both masks empty: distances 0, NSD 1. One empty: NSD 0, distances as
 * `oneEmpty` says.
 * @param prediction, reference anything but 0 is marked, [pixels]. @param shape [H, W] or [D, H, W].
 * @throws SeptumError `metric-shape` or `metric-spacing`.
 */
export function edgeScores(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  options: SurfaceOptions = {},
): EdgeScores {
  const grid = gridOf(shape, options.spacing)
  const distances = edgeDistances(surfacePair(prediction, reference, grid), grid)
  const { toReference, toPrediction } = distances
  const empty = emptyValues(distances, shape, options)
  if (empty) {
    const { distance, overlap: nsd } = empty
    const directed = { asd: distance, asdFromReference: distance, asdTwoSided: distance, assd: distance }
    return { hd: distance, hd95: distance, hd95Pooled: distance, ...directed, nsd }
  }
  const there = ascending(toReference)
  const back = ascending(toPrediction)
  const pooled = new Float64Array(there.length + back.length)
  pooled.set(there)
  pooled.set(back, there.length)
  pooled.sort()
  const asd = mean(toReference)
  const asdFromReference = mean(toPrediction)
  return {
    hd: pooled.at(-1)!,
    hd95: Math.max(percentile(there, 95), percentile(back, 95)),
    hd95Pooled: percentile(pooled, 95),
    assd: mean(pooled),
    asdTwoSided: (asd + asdFromReference) / 2,
    asd,
    asdFromReference,
    nsd: countWithin(pooled, options.tolerance ?? 1) / pooled.length,
  }
}

/** Surface scores on surface elements; arguments and empty rule as `edgeScores`. */
export function surfelScores(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  options: SurfaceOptions = {},
): SurfelScores {
  const grid = gridOf(shape, options.spacing)
  const distances = surfelDistances(surfacePair(prediction, reference, grid), grid)
  const empty = emptyValues(distances, shape, options)
  if (empty) {
    const { distance, overlap: nsdSurfel } = empty
    const directed = { assdSurfel: distance, asdSurfel: distance, asdSurfelFromReference: distance }
    return { hdSurfel: distance, hd95Surfel: distance, ...directed, nsdSurfel }
  }
  const { toReference, toPrediction, predictionSizes, referenceSizes } =
    distances as Required<SurfaceDistances>
  const tolerance = options.tolerance ?? 1
  const there = weightedSums(toReference, predictionSizes, tolerance)
  const back = weightedSums(toPrediction, referenceSizes, tolerance)
  const size = there.size + back.size
  const robust = (percent: number) =>
    Math.max(
      weightedPercentile(toReference, predictionSizes, percent),
      weightedPercentile(toPrediction, referenceSizes, percent),
    )
  return {
    hdSurfel: robust(100),
    hd95Surfel: robust(95),
    assdSurfel: (there.distance + back.distance) / size,
    asdSurfel: there.distance / there.size,
    asdSurfelFromReference: back.distance / back.size,
    nsdSurfel: (there.within + back.within) / size,
  }
}

/** What all distances and overlaps are where a mask is empty; null where none is. */
function emptyValues(
  { toReference, toPrediction }: SurfaceDistances,
  shape: readonly number[],
  { oneEmpty = 'undefined', spacing }: SurfaceOptions,
): { distance: number; overlap: number } | null {
  if (toReference.length === 0 && toPrediction.length === 0) return { distance: 0, overlap: 1 }
  if (toReference.length > 0 && toPrediction.length > 0) return null
  const diagonal = Math.hypot(...shape.map((size, axis) => size * (spacing?.[axis] ?? 1)))
  return { distance: oneEmpty === 'diagonal' ? diagonal : Number.NaN, overlap: 0 }
}

function mean(values: Float64Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]!
  return total / values.length
}

function countWithin(sorted: Float64Array, tolerance: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! <= tolerance) low = middle + 1
    else high = middle
  }
  return low
}

function weightedSums(distances: Float64Array, sizes: Float64Array, tolerance: number) {
  let size = 0
  let distance = 0
  let within = 0
  for (let i = 0; i < distances.length; i++) {
    size += sizes[i]!
    distance += sizes[i]! * distances[i]!
    if (distances[i]! <= tolerance) within += sizes[i]!
  }
  return { size, distance, within }
}
