import type { CurveName, MetricEntry, MetricFamily } from '../catalogue.js'
import { sweepScores } from '../sweep/sweep.js'
import { emptinessOf, entry } from './entry.js'

const PRANET = 'PraNet evaluation program (256 thresholds)'
const ZERO =
  '0 at every threshold where no pixel is found; an empty reference scores 0 even when nothing is predicted.'
const ALIGNED =
  'Empty reference: share of unmarked pixels; full reference: share of marked pixels (times N / (N - 1)).'

const sweep = (
  id: string,
  title: string,
  description: string,
  more: Partial<MetricEntry> = {},
): MetricEntry =>
  entry({ id, title, description, empty: ZERO, source: PRANET, input: 'probabilities', ...more })

const maximum = (
  id: string,
  title: string,
  what: string,
  curve: CurveName,
  more: Partial<MetricEntry> = {},
) =>
  sweep(id, title, `Largest value over 256 thresholds of the mean ${what} of all cases.`, {
    maximumOfCurve: curve,
    ...more,
  })

/** Alone in exceeding 1: the sum over N pixels is divided by N - 1. */
const aligned = { empty: ALIGNED, range: [0, 2] as const, source: 'Fan et al., IJCAI 2018; PraNet program' }
const adaptive = { source: 'PySODMetrics, threshold min(2 mean(p), 1)' }
const flat = { dimensions: [2] as const }

/** Scores of probability maps of polyp and salient object segmentation; masks count as 0 and 1. */
export const sweepFamily: MetricFamily = {
  name: 'sweep',
  entries: [
    sweep(
      'meanDice',
      'mDice',
      'Dice averaged over 256 thresholds of the stretched map: the mDice of polyp tables.',
    ),
    maximum('maxDice', 'maxDice', 'Dice', 'dice'),
    sweep(
      'meanIou',
      'mIoU',
      'IoU averaged over 256 thresholds of the stretched map: the mIoU of polyp tables.',
    ),
    maximum('maxIou', 'maxIoU', 'IoU', 'iou'),
    sweep('meanPrecision', 'mPrecision', 'Precision averaged over 256 thresholds.'),
    sweep('meanRecall', 'mSensitivity', 'Recall averaged over 256 thresholds.'),
    sweep('meanSpecificity', 'mSpecificity', 'Specificity averaged over 256 thresholds.', {
      empty:
        '0 at every threshold where no marked pixel is found; NaN where the reference marks every pixel.',
    }),
    sweep('meanF', 'mF_β', 'F-measure averaged over 256 thresholds, beta squared 0.3.'),
    maximum('maxF', 'maxF_β', 'F-measure', 'f'),
    sweep('adaptiveF', 'adpF_β', 'F-measure at twice the mean of the map.', adaptive),
    sweep('weightedF', 'F_β^w', 'Weighted F-measure: errors weigh by place, beta squared 1.', {
      ...flat,
      empty: 'Empty reference 0; an empty prediction needs no rule (and does not score 0).',
      source: 'Margolin et al., CVPR 2014; PraNet program, PySODMetrics',
    }),
    sweep('sMeasure', 'S_α', 'Structure measure: half object term, half region term.', {
      ...flat,
      empty: 'Empty reference: 1 - mean(p); full reference: mean(p).',
      source: 'Fan et al., ICCV 2017; PraNet program',
    }),
    sweep('meanE', 'mE_φ', 'Enhanced-alignment measure averaged over 256 thresholds.', aligned),
    maximum('maxE', 'maxE_φ', 'enhanced-alignment measure', 'e', aligned),
    sweep('adaptiveE', 'adpE_φ', 'Enhanced-alignment measure at twice the mean of the map.', {
      ...aligned,
      empty: `${ALIGNED} An all-zero map has threshold 0, hence marks everything.`,
    }),
    sweep('mae', 'MAE', 'Mean absolute difference of the stretched map and the reference.', {
      direction: 'lower',
      empty: 'Needs no rule.',
    }),
    sweep('adaptiveDice', 'adpDice', 'Dice at twice the mean of the map.', adaptive),
    sweep('adaptiveIou', 'adpIoU', 'IoU at twice the mean of the map.', adaptive),
    sweep('unthresholdedDice', 'Dice (M2SNet)', 'Dice of the stretched map itself, without a threshold.', {
      empty: 'Both empty 1 by smoothing with 1e-5; one empty about 0.',
      source: 'M2SNet program',
    }),
    sweep('smoothedIou', 'IoU (M2SNet)', 'IoU of the stretched map above 0.5, smoothed by 1e-5.', {
      empty: 'Both empty 1 by smoothing with 1e-5; one empty about 0.',
      source: 'M2SNet program',
    }),
  ],
  measure({ prediction, reference, probabilities, shape }, wanted, { minMax, betaSquared, threshold }) {
    const skip = (['weightedF', 'sMeasure'] as const).filter((id) => !wanted.has(id))
    const options = { minMax, betaSquared, threshold }
    const { scores, curves } = sweepScores(probabilities!, reference!, shape, options, skip)
    return { values: { ...scores }, empty: emptinessOf(prediction!, reference!), curves }
  },
}
