import { matchObjects } from './matching.js'
import { type OverlapTable, objectCounts } from './overlap-table.js'

export interface PanopticScores {
  /** Panoptic quality, dq * sq. */
  readonly pq: number
  /** Segmentation quality: mean IoU of the matched pairs, 0 without any. */
  readonly sq: number
  /** Detection quality: F1 of the objects. */
  readonly dq: number
  readonly truePositives: number
  readonly falsePositives: number
  readonly falseNegatives: number
}

/**
 * Panoptic quality (Kirillov et al. 2019): objects match where their IoU is above 0.5;
 * dq = TP / (TP + FP / 2 + FN / 2), sq = mean IoU of the matches, pq = dq sq, all in [0, 1].
 * No object on either side: all 1. On one side: all 0.
 */
export function panopticScores(table: OverlapTable): PanopticScores {
  const { pairs, unmatchedPredicted, unmatchedReference } = matchObjects(table, 0.5)
  const counts = {
    truePositives: pairs.length,
    falsePositives: unmatchedPredicted.length,
    falseNegatives: unmatchedReference.length,
  }
  const { predicted, reference } = objectCounts(table)
  if (predicted + reference === 0) return { pq: 1, sq: 1, dq: 1, ...counts }
  const sum = pairs.reduce((total, pair) => total + pair.iou, 0)
  const dq = pairs.length / (pairs.length + (counts.falsePositives + counts.falseNegatives) / 2)
  const sq = pairs.length === 0 ? 0 : sum / pairs.length
  return { pq: dq * sq, sq, dq, ...counts }
}

const STEPS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]

/**
 * Mean over the IoU thresholds 0.5, 0.55, ..., 0.95 of TP / (TP + FP + FN), objects matching above the threshold: the
 * score of the Data Science Bowl 2018 (Caicedo et al. 2019). No object on either side 1, on one side 0.
 */
export function averagePrecision(table: OverlapTable): number {
  const { predicted, reference } = objectCounts(table)
  if (predicted + reference === 0) return 1
  const ious = matchObjects(table, 0.5).pairs.map((pair) => pair.iou)
  const precision = STEPS.map((step) => {
    const hits = ious.filter((iou) => iou > step).length
    return hits / (predicted + reference - hits)
  })
  return precision.reduce((sum, value) => sum + value, 0) / STEPS.length
}
