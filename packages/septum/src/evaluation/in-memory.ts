import type { MetricInput, MetricOptions } from '@septum/core'
import { type ScoredCase, scoreClasses } from './score.js'

/**
 * A case that was predicted in this program, with its reference. Maps are row-major [height, width], of volumes [depth,
 * height, width].
 */
export interface CaseInMemory {
  readonly name: string
  readonly patient: string
  readonly width: number
  readonly height: number
  /** Absent for pictures. */
  readonly depth?: number
  /** Distance of samples along each axis of a volume; absent: lengths are in pixels. */
  readonly spacingMm?: readonly number[]
  readonly classes: readonly ClassInMemory[]
}

export interface ClassInMemory {
  readonly name: string
  /** In [0, 1]. */
  readonly probability: Float32Array
  /** Masks, 0 or 1. */
  readonly samples: readonly Uint8Array[]
  readonly raters: readonly Uint8Array[]
}

/**
 * Scores a case in memory as its written files would be: every class by its samples, its probability map and
 * the raters.
 */
export function scoreInMemory(
  item: CaseInMemory,
  method: string,
  ids: readonly string[],
  options: MetricOptions,
): ScoredCase {
  const { name, patient, width, height, depth, spacingMm, classes } = item
  const shape = depth === undefined ? [height, width] : [depth, height, width]
  const grid = spacingMm ? { shape, spacing: spacingMm } : { shape }
  return scoreClasses(
    { case: name, patient, method },
    classes.map((one) => one.name),
    (index) => inputOf(classes[index]!, grid),
    ids,
    options,
  )
}

/** The metric input of one class of a case in memory. */
function inputOf(
  { probability, samples, raters }: ClassInMemory,
  grid: Pick<MetricInput, 'shape' | 'spacing'>,
): MetricInput {
  return {
    ...grid,
    probabilities: probability,
    raters,
    ...(samples.length > 1 ? { samples } : {}),
    ...(samples.length === 1 ? { prediction: samples[0]! } : {}),
  }
}
