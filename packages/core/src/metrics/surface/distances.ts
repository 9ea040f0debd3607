import { distancesBetween } from '../distance/field.js'
import { checkLength, type Grid } from '../grid.js'
import { type CroppedPair, cropPair, edgesOf } from './crop.js'
import { surfelSizes } from './surfel-table.js'
import { cornerSize, surfelsOf } from './surfels.js'

/** Distances from every surface element of either mask to the nearest of the other. */
export interface SurfaceDistances {
  /** From prediction to reference, in the unit of the spacing; Infinity where the reference is empty. */
  readonly toReference: Float64Array
  /** From reference to prediction. */
  readonly toPrediction: Float64Array
  /** Length or area of the prediction's elements; absent for edge pixels, which all count 1. */
  readonly predictionSizes?: Float64Array
  readonly referenceSizes?: Float64Array
}

/** Both masks cut to the box that holds them, for all surface metrics of a case. */
export type SurfacePair = CroppedPair | null

/** @returns null where both masks are empty. @throws SeptumError `metric-shape`. */
export function surfacePair(prediction: Uint8Array, reference: Uint8Array, grid: Grid): SurfacePair {
  checkLength(prediction, grid.pixels, 'prediction')
  checkLength(reference, grid.pixels, 'reference')
  return cropPair(prediction, reference, grid)
}

const NOTHING: SurfaceDistances = { toReference: new Float64Array(0), toPrediction: new Float64Array(0) }

/**
 * Surface = marked pixels with an unmarked 4- or 6-neighbour, the outside of the image being unmarked
 * (MONAI, MedPy). Distances run between pixel centres.
 */
export function edgeDistances(pair: SurfacePair, grid: Grid): SurfaceDistances {
  if (!pair) return NOTHING
  const a = edgesOf(pair.a, pair.size)
  const b = edgesOf(pair.b, pair.size)
  return {
    toReference: distancesBetween(a, b, pair.size, grid.spacing),
    toPrediction: distancesBetween(b, a, pair.size, grid.spacing),
  }
}

/**
 * Surface = corners between pixels that are not all alike, each with the length or area of the contour
 * there (DeepMind's surface-distance). Distances run between corners.
 */
export function surfelDistances(pair: SurfacePair, grid: Grid): SurfaceDistances {
  if (!pair) return { ...NOTHING, predictionSizes: new Float64Array(0), referenceSizes: new Float64Array(0) }
  const table = surfelSizes(grid.dimensions, grid.spacing)
  const a = surfelsOf(pair.a, pair.size, table)
  const b = surfelsOf(pair.b, pair.size, table)
  const size = cornerSize(pair.size)
  return {
    toReference: distancesBetween(a.places, b.places, size, grid.spacing),
    toPrediction: distancesBetween(b.places, a.places, size, grid.spacing),
    predictionSizes: a.sizes,
    referenceSizes: b.sizes,
  }
}
