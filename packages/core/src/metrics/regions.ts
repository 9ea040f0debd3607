import { SeptumError } from '../error.js'
import { checkLength } from './grid.js'
import { diceFromCounts, type EmptyRule, iouFromCounts } from './overlap.js'

/** Pixels of a prediction and a reference mask, by what they are. */
export interface ConfusionCounts {
  readonly truePositive: number
  readonly falsePositive: number
  readonly falseNegative: number
  readonly trueNegative: number
}

/** @param prediction, reference anything but 0 is marked, [pixels]. @throws SeptumError `metric-shape`. */
export function confusionCounts(prediction: Uint8Array, reference: Uint8Array): ConfusionCounts {
  checkLength(prediction, reference.length, 'prediction')
  let found = 0
  let marked = 0
  let both = 0
  for (let i = 0; i < prediction.length; i++) {
    const a = prediction[i] === 0 ? 0 : 1
    const b = reference[i] === 0 ? 0 : 1
    found += a
    marked += b
    both += a & b
  }
  return {
    truePositive: both,
    falsePositive: found - both,
    falseNegative: marked - both,
    trueNegative: prediction.length - found - marked + both,
  }
}

/** Ratios of one binary prediction; all in [0, 1]. */
export interface RegionScores {
  /** 2 TP / (2 TP + FP + FN). */
  readonly dice: number
  /** TP / (TP + FP + FN), the Jaccard index. */
  readonly iou: number
  /** Mean of the IoU of foreground and background: the mIoU of two-class tables. */
  readonly iouBothClasses: number
  /** TP / (TP + FP). */
  readonly precision: number
  /** TP / (TP + FN), the sensitivity. */
  readonly recall: number
  /** TN / (TN + FP). */
  readonly specificity: number
  /** (TP + TN) / pixels. */
  readonly accuracy: number
  /** 1 - (recall + specificity) / 2. */
  readonly balancedErrorRate: number
}

/**
 * Empty rule: two empty masks agree (Dice, IoU, precision, recall 1); one empty mask scores 0 in each of these.
 * Specificity is NaN where the reference leaves no background, the balanced error rate where either class is
 * absent from the reference.
 * @param bothEmpty what Dice, IoU, precision and recall of two empty masks are, default `perfect`.
 */
export function regionScores(counts: ConfusionCounts, bothEmpty: EmptyRule = 'perfect'): RegionScores {
  const { truePositive, falsePositive, falseNegative, trueNegative } = counts
  const found = truePositive + falsePositive
  const marked = truePositive + falseNegative
  const unmarked = trueNegative + falsePositive
  const iou = iouFromCounts(truePositive, found, marked, bothEmpty)
  const background = iouFromCounts(trueNegative, trueNegative + falseNegative, unmarked)
  const nothing = iouFromCounts(0, 0, 0, bothEmpty)
  const part = (whole: number) => (found + marked === 0 ? nothing : whole === 0 ? 0 : truePositive / whole)
  const specificity = trueNegative / unmarked
  return {
    dice: diceFromCounts(truePositive, found, marked, bothEmpty),
    iou,
    iouBothClasses: (iou + background) / 2,
    precision: part(found),
    recall: part(marked),
    specificity,
    accuracy: (truePositive + trueNegative) / (marked + unmarked),
    balancedErrorRate: 1 - (truePositive / marked + specificity) / 2,
  }
}

/**
 * F_beta = (1 + b) PR / (b P + R) = (1 + b) TP / ((1 + b) TP + b FN + FP), b = beta squared.
 * Two empty masks: as `bothEmpty`; one: 0.
 * @throws SeptumError `metric-options` when b is not positive.
 */
export function fMeasure(
  counts: ConfusionCounts,
  betaSquared: number,
  bothEmpty: EmptyRule = 'perfect',
): number {
  if (!(betaSquared > 0 && betaSquared < Infinity)) {
    throw new SeptumError(
      'metric-options',
      `The F-measure has no squared beta of ${betaSquared}`,
      'Give a positive number: 1 for Dice, 0.3 as in salient object detection.',
    )
  }
  const { truePositive, falsePositive, falseNegative } = counts
  if (truePositive + falsePositive + falseNegative === 0) return iouFromCounts(0, 0, 0, bothEmpty)
  const weighted = (1 + betaSquared) * truePositive
  return weighted / (weighted + betaSquared * falseNegative + falsePositive)
}
