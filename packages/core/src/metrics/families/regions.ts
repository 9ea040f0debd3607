import type { MetricFamily } from '../catalogue.js'
import { confusionCounts, fMeasure, regionScores } from '../regions.js'
import { emptinessOf, entry } from './entry.js'

const OVERLAP = 'Both empty 1, one empty 0.'
const TEXTBOOK = 'standard definition'

const region = (id: string, title: string, description: string, empty = OVERLAP, source = TEXTBOOK) =>
  entry({ id, title, description, empty, source, input: 'mask' })

/** Ratios of one binary mask against one binary reference. */
export const regionFamily: MetricFamily = {
  name: 'regions',
  entries: [
    region('dice', 'Dice', 'Dice coefficient of the binary masks, 2 TP / (2 TP + FP + FN).'),
    region('iou', 'IoU', 'Intersection over union of the binary masks, the Jaccard index.'),
    region('jaccard', 'Jaccard', 'The same number as iou, under the name of the ultrasound tables.'),
    region(
      'iouBothClasses',
      'mIoU (2 classes)',
      'Mean of the IoU of foreground and background.',
      'Of each of the two IoUs: both empty 1, one empty 0.',
      'M2SNet table 8 (PySegMetric)',
    ),
    region('precision', 'Precision', 'TP / (TP + FP), positive predictive value.'),
    region('recall', 'Recall', 'TP / (TP + FN), sensitivity.'),
    region(
      'specificity',
      'Specificity',
      'TN / (TN + FP).',
      'Empty masks need no rule; NaN where the reference marks every pixel.',
    ),
    region('accuracy', 'Accuracy', '(TP + TN) / pixels.', 'Needs no rule.'),
    region('f', 'F_β', 'F-measure of the binary masks, beta squared as the option says (0.3).'),
    entry({
      ...region('balancedErrorRate', 'BER', '1 - (recall + specificity) / 2.'),
      direction: 'lower',
      empty: 'NaN where the reference is empty or marks every pixel.',
    }),
  ],
  measure({ prediction, reference }, _wanted, { betaSquared }) {
    const counts = confusionCounts(prediction!, reference!)
    const scores = regionScores(counts)
    return {
      values: { ...scores, jaccard: scores.iou, f: fMeasure(counts, betaSquared) },
      empty: emptinessOf(prediction!, reference!),
    }
  },
}
