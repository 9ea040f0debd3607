import type { Curves, ProbabilityMap } from '../catalogue.js'
import { checkLength, gridOf } from '../grid.js'
import { countLevels, curveMax, curveMean, type SpecificityRule, sweepCurves } from './curves.js'
import { enhancedAlignment } from './enhanced-alignment.js'
import { greyMap } from './grey.js'
import { structureMeasure } from './structure.js'
import { weightedF } from './weighted-f.js'

export interface SweepOptions {
  /** Stretch the map to [0, 1] by its own extremes first. Default true. */
  readonly minMax?: boolean
  /** Squared beta of the F curves, default 0.3. */
  readonly betaSquared?: number
  /** Squared beta of the weighted F-measure, default 1. */
  readonly weightedBetaSquared?: number
  /** Default `pranet`. */
  readonly specificity?: SpecificityRule
  /** Cut of the fixed-threshold scores, strictly above. Default 0.5. */
  readonly threshold?: number
}

/**
 * Scores of a probability map against a binary reference, as the evaluation programs of polyp and salient
 * object segmentation print them. `mean...` is the mean over the thresholds 255, ..., 0 of
 * floor(255 p) >= k, `max...` the largest value of the case's own curve: the maximum that papers print is
 * that of the mean curve of all cases (`CurveMeans`).
 */
export interface SweepScores {
  readonly meanDice: number
  readonly maxDice: number
  readonly meanIou: number
  readonly maxIou: number
  readonly meanPrecision: number
  readonly meanRecall: number
  readonly meanSpecificity: number
  readonly meanF: number
  readonly maxF: number
  readonly meanE: number
  readonly maxE: number
  /** At the threshold min(2 mean(p), 1), p >= t. */
  readonly adaptiveDice: number
  readonly adaptiveIou: number
  readonly adaptiveF: number
  readonly adaptiveE: number
  readonly sMeasure: number
  readonly weightedF: number
  /** Mean |p - g|. */
  readonly mae: number
  /** M2SNet's Dice: (2 sum(pg) + 1e-5) / (sum p + sum g + 1e-5), without threshold. */
  readonly unthresholdedDice: number
  /** M2SNet's IoU: p > threshold, with 1e-5 in numerator and denominator. */
  readonly smoothedIou: number
}

const M2SNET_SMOOTHING = 1e-5

/** Scores that cost a pass or a transform of their own. */
export type CostlySweepScore = 'weightedF' | 'sMeasure'

/**
 * All scores of one case from one histogram, one distance transform and two further passes.
 * @param map probabilities in [0, 1] or bytes, [pixels]. @param reference anything but 0 is marked, [pixels].
 * @param shape [height, width] or [depth, height, width]; S-measure and weighted F are NaN for volumes.
 * @param skip costly scores that nobody asked for; they are NaN then.
 * @throws SeptumError `metric-shape` or `metric-values`.
 */
export function sweepScores(
  map: ProbabilityMap,
  reference: Uint8Array,
  shape: readonly number[],
  options: SweepOptions = {},
  skip: readonly CostlySweepScore[] = [],
): { readonly scores: SweepScores; readonly curves: Curves } {
  const { minMax = true, betaSquared = 0.3, weightedBetaSquared = 1, threshold = 0.5 } = options
  const grid = gridOf(shape)
  checkLength(map, grid.pixels, 'prediction')
  checkLength(reference, grid.pixels, 'reference')
  const { values, levels } = greyMap(map, minMax)
  const curves = sweepCurves(countLevels(levels, reference), betaSquared, options.specificity ?? 'pranet')
  const sums = sumValues(values, reference, threshold)
  const adaptive = adaptiveScores(values, reference, sums, betaSquared)
  const plane = [grid.height, grid.width] as const
  const flat = grid.dimensions === 2
  const scores: SweepScores = {
    meanDice: curveMean(curves.dice),
    maxDice: curveMax(curves.dice),
    meanIou: curveMean(curves.iou),
    maxIou: curveMax(curves.iou),
    meanPrecision: curveMean(curves.precision),
    meanRecall: curveMean(curves.recall),
    meanSpecificity: curveMean(curves.specificity),
    meanF: curveMean(curves.f),
    maxF: curveMax(curves.f),
    meanE: curveMean(curves.e),
    maxE: curveMax(curves.e),
    ...adaptive,
    sMeasure: flat && !skip.includes('sMeasure') ? structureMeasure(values, reference, plane) : Number.NaN,
    weightedF:
      flat && !skip.includes('weightedF')
        ? weightedF(values, reference, plane, weightedBetaSquared)
        : Number.NaN,
    mae: (sums.marked - sums.inside + sums.outside) / grid.pixels,
    unthresholdedDice:
      (2 * sums.inside + M2SNET_SMOOTHING) / (sums.inside + sums.outside + sums.marked + M2SNET_SMOOTHING),
    smoothedIou: (sums.hit + M2SNET_SMOOTHING) / (sums.wrong + sums.marked + M2SNET_SMOOTHING),
  }
  return { scores, curves }
}

interface Sums {
  readonly marked: number
  /** Sum of p over marked pixels. */
  readonly inside: number
  /** Sum of p over the others. */
  readonly outside: number
  /** Marked pixels above the threshold. */
  readonly hit: number
  /** Others above the threshold. */
  readonly wrong: number
}

function sumValues(values: Float64Array, reference: Uint8Array, threshold: number): Sums {
  let marked = 0
  let inside = 0
  let outside = 0
  let hit = 0
  let wrong = 0
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!
    const above = value > threshold ? 1 : 0
    if (reference[i] === 0) {
      outside += value
      wrong += above
    } else {
      marked++
      inside += value
      hit += above
    }
  }
  return { marked, inside, outside, hit, wrong }
}

function adaptiveScores(values: Float64Array, reference: Uint8Array, sums: Sums, betaSquared: number) {
  const threshold = Math.min((2 * (sums.inside + sums.outside)) / values.length, 1)
  let hit = 0
  let wrong = 0
  for (let i = 0; i < values.length; i++) {
    if (values[i]! < threshold) continue
    if (reference[i] === 0) wrong++
    else hit++
  }
  const found = hit + wrong
  const { marked } = sums
  return {
    adaptiveDice: hit === 0 ? 0 : (2 * hit) / (found + marked),
    adaptiveIou: hit === 0 ? 0 : hit / (wrong + marked),
    // (1 + b) PR / (bP + R) with P = hit / found, R = hit / marked.
    adaptiveF: hit === 0 ? 0 : ((1 + betaSquared) * hit) / (betaSquared * marked + found),
    adaptiveE: enhancedAlignment(hit, wrong, marked, values.length),
  }
}
