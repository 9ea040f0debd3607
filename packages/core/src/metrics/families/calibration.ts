import { calibrationScores, raterFrequency } from '../calibration.js'
import type { MetricEntry, MetricFamily } from '../catalogue.js'
import { emptinessOf, emptinessOfSets, entry } from './entry.js'

const calibration = (id: string, title: string, description: string, source: string): MetricEntry =>
  entry({
    ...{ id, title, description, source, input: 'probabilities', direction: 'lower' },
    empty: 'Needs no rule: an empty reference is an observed frequency of 0.',
  })

/** Probabilities against frequencies: against the share of the raters where there are several. */
export const calibrationFamily: MetricFamily = {
  name: 'calibration',
  entries: [
    calibration(
      'ece',
      'ECE',
      'Expected calibration error of the foreground, 10 equal bins.',
      'Guo et al. 2017; MoSE',
    ),
    calibration('mce', 'MCE', 'Largest difference of confidence and frequency of a bin.', 'Guo et al. 2017'),
    calibration('brier', 'Brier', 'Mean squared difference of probability and outcome.', 'Brier 1950'),
  ],
  measure({ probabilities, prediction, reference, raters }, _wanted, options) {
    const several = raters && raters.length > 1
    const { ece, mce, brier } = calibrationScores(
      probabilities!,
      several ? raterFrequency(raters) : reference!,
      { bins: options.calibrationBins, zero: options.calibrationZero },
    )
    return {
      values: { ece, mce, brier },
      empty: several ? emptinessOfSets([prediction!], raters) : emptinessOf(prediction!, reference!),
    }
  },
}
