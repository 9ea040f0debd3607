import { checkLength, countMarked, gridOf } from './grid.js'

/** Sizes of what two masks mark, in the cube (square) of the spacing's unit. */
export interface VolumeScores {
  readonly predictedVolume: number
  readonly referenceVolume: number
  /** Prediction - reference: above 0 too much is marked. */
  readonly volumeDifference: number
  readonly absoluteVolumeDifference: number
  /** (prediction - reference) / reference; both empty 0, only the reference empty NaN. */
  readonly relativeVolumeDifference: number
  /** 1 - |a - b| / (a + b): volumetric similarity, 1 best; both empty 1. */
  readonly volumeSimilarity: number
}

/**
 * Volumes of two masks (areas of pictures); where things lie does not matter.
 * @param shape [H, W] or [D, H, W]. @param spacing distance between neighbours along each axis, default 1.
 * @throws SeptumError `metric-shape` or `metric-spacing`.
 */
export function volumeScores(
  prediction: Uint8Array,
  reference: Uint8Array,
  shape: readonly number[],
  spacing?: readonly number[],
): VolumeScores {
  const grid = gridOf(shape, spacing)
  checkLength(prediction, grid.pixels, 'prediction')
  checkLength(reference, grid.pixels, 'reference')
  const unit = grid.spacing.reduce((product, step) => product * step, 1)
  const a = countMarked(prediction)
  const b = countMarked(reference)
  return {
    predictedVolume: a * unit,
    referenceVolume: b * unit,
    volumeDifference: (a - b) * unit,
    absoluteVolumeDifference: Math.abs(a - b) * unit,
    relativeVolumeDifference: b > 0 ? (a - b) / b : a === 0 ? 0 : Number.NaN,
    volumeSimilarity: a + b === 0 ? 1 : 1 - Math.abs(a - b) / (a + b),
  }
}
