import { bootstrapMean, summarise } from '@septum/core'
import type { CaseScores, MetricRow } from './api.js'

interface MetricKind {
  readonly metric: string
  readonly label: string
  readonly better: MetricRow['better']
}

/** Scores of several hypotheses against several raters, in the order of the papers' tables. */
export const multiRaterMetrics: readonly MetricKind[] = [
  { metric: 'ged', label: 'GED²', better: 'lower' },
  { metric: 'hmIou', label: 'HM-IoU', better: 'higher' },
  { metric: 'softDice', label: 'Soft-Dice', better: 'higher' },
  { metric: 'dMax', label: 'D_max', better: 'higher' },
  { metric: 'dAvg', label: 'D_avg', better: 'higher' },
  { metric: 'perSampleDice', label: 'Dice a sample', better: 'higher' },
  { metric: 'consensusDice', label: 'Dice consensus', better: 'higher' },
  { metric: 'consensusIou', label: 'IoU consensus', better: 'higher' },
  { metric: 'cross', label: 'distance to raters', better: 'lower' },
  { metric: 'sampleDiversity', label: 'sample diversity', better: null },
  { metric: 'raterDiversity', label: 'rater diversity', better: null },
]

/** Scores of one mask against one rater. */
export const singleMetrics: readonly MetricKind[] = [
  { metric: 'consensusDice', label: 'Dice', better: 'higher' },
  { metric: 'consensusIou', label: 'IoU', better: 'higher' },
]

/**
 * Means with 95 % intervals, patients resampled; with several classes a row for each and one for their mean.
 * @param perCase scores keyed by `metric`, or by `metric.class` with several classes.
 */
export function metricRows(
  perCase: readonly CaseScores[],
  kinds: readonly MetricKind[],
  classes: readonly string[],
): MetricRow[] {
  const patients = perCase.map((item) => item.patient)
  const single = new Set(patients).size < 2
  const row = (kind: MetricKind, name: string | null, values: number[]): MetricRow => {
    const { mean, undefinedCount } = summarise(values)
    const { low, high } = bootstrapMean(values, patients)
    return {
      ...kind,
      class: name,
      mean,
      interval: single ? null : [low, high],
      undefinedCases: undefinedCount,
    }
  }
  return kinds.flatMap((kind) => {
    if (classes.length <= 1)
      return [
        row(
          kind,
          null,
          perCase.map((item) => item.scores[kind.metric] ?? Number.NaN),
        ),
      ]
    const byClass = classes.map((name) =>
      perCase.map((item) => item.scores[`${kind.metric}.${name}`] ?? Number.NaN),
    )
    const means = perCase.map((_, i) => summarise(byClass.map((values) => values[i]!)).mean)
    return [row(kind, null, means), ...classes.map((name, c) => row(kind, name, byClass[c]!))]
  })
}
