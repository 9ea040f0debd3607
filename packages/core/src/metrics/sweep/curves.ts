import type { CurveName, Curves } from '../catalogue.js'
import { enhancedAlignment } from './enhanced-alignment.js'

/** Thresholds 255, 254, ..., 0 of a sweep; place i of a curve belongs to threshold 255 - i. */
export const SWEEP_LENGTH = 256

/** Pixels of each level, apart for marked and unmarked pixels of the reference. */
export interface LevelCounts {
  readonly foreground: Uint32Array
  readonly background: Uint32Array
}

/** One pass over the pixels; everything about 256 thresholds follows from these 512 numbers. */
export function countLevels(levels: Uint8Array, reference: Uint8Array): LevelCounts {
  const counts = new Uint32Array(2 * SWEEP_LENGTH)
  for (let i = 0; i < levels.length; i++) {
    const place = levels[i]! + (reference[i] === 0 ? SWEEP_LENGTH : 0)
    counts[place]!++
  }
  return { foreground: counts.subarray(0, SWEEP_LENGTH), background: counts.subarray(SWEEP_LENGTH) }
}

/** What specificity is where no pixel is found: 0 with every other ratio (PraNet), or TN / (TN + FP) (PySOD). */
export type SpecificityRule = 'pranet' | 'pysod'

/**
 * Ratios at all 256 thresholds. A ratio whose denominator is 0 is 0; under the rule `pranet` specificity is
 * 0 wherever no pixel is found (TP = 0), and NaN on a completely marked reference, as that program has it.
 * @param betaSquared weight of the F curve.
 */
export function sweepCurves(counts: LevelCounts, betaSquared: number, rule: SpecificityRule): Curves {
  const marked = sum(counts.foreground)
  const unmarked = sum(counts.background)
  const curve = () => new Float64Array(SWEEP_LENGTH)
  const names: readonly CurveName[] = ['dice', 'iou', 'precision', 'recall', 'specificity', 'f', 'e']
  const curves = Object.fromEntries(names.map((name) => [name, curve()])) as Record<CurveName, Float64Array>
  let hit = 0
  let wrong = 0
  for (let i = 0; i < SWEEP_LENGTH; i++) {
    hit += counts.foreground[255 - i]!
    wrong += counts.background[255 - i]!
    const precision = ratio(hit, hit + wrong)
    const recall = ratio(hit, marked)
    curves.dice[i] = ratio(2 * hit, hit + wrong + marked)
    curves.iou[i] = ratio(hit, wrong + marked)
    curves.precision[i] = precision
    curves.recall[i] = recall
    curves.f[i] = ratio((1 + betaSquared) * precision * recall, betaSquared * precision + recall)
    curves.specificity[i] =
      rule === 'pysod' ? ratio(unmarked - wrong, unmarked) : hit === 0 ? 0 : (unmarked - wrong) / unmarked
    curves.e[i] = enhancedAlignment(hit, wrong, marked, marked + unmarked)
  }
  return curves
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}

function sum(values: Uint32Array): number {
  let total = 0
  for (let i = 0; i < values.length; i++) total += values[i]!
  return total
}

/** Mean of a curve. */
export function curveMean(curve: Float64Array): number {
  let total = 0
  for (let i = 0; i < curve.length; i++) total += curve[i]!
  return total / curve.length
}

/** Largest value of a curve. */
export function curveMax(curve: Float64Array): number {
  let largest = -Infinity
  for (let i = 0; i < curve.length; i++) largest = Math.max(largest, curve[i]!)
  return largest
}

/**
 * Mean curves of a data set, case by case. Its maximum is what papers call max Dice, max E, max F: the
 * maximum of the mean, which is at most the mean of the cases' maxima.
 */
export class CurveMeans {
  private readonly sums = new Map<CurveName, Float64Array>()
  private cases = 0

  /** Takes in one case. */
  add(curves: Curves): void {
    this.cases++
    for (const [name, curve] of Object.entries(curves) as [CurveName, Float64Array][]) {
      const sums = this.sums.get(name) ?? new Float64Array(curve.length)
      for (let i = 0; i < curve.length; i++) sums[i]! += curve[i]!
      this.sums.set(name, sums)
    }
  }

  /** @returns 256 values, NaN before the first case. */
  mean(name: CurveName): Float64Array {
    const sums = this.sums.get(name) ?? new Float64Array(SWEEP_LENGTH)
    return sums.map((value) => value / this.cases)
  }

  /** Largest value of the mean curve. */
  max(name: CurveName): number {
    return curveMax(this.mean(name))
  }
}
