import { type MetricEntry, metricCatalogue, summarise } from '@septum/core'
import { ScoreCollector } from '../evaluation/collect.js'
import type { ScoredClass } from '../evaluation/score.js'
import type { Evaluation } from '../evaluation/types.js'
import { groupBy } from './group-by.js'
import type { RunScores } from './stored-scores.js'
import type { ComparedRun, PlannedRun, RunStatistics } from './types.js'

/** A finished run. */
export interface ScoredRun {
  readonly run: PlannedRun
  readonly scores: RunScores
}

/** Mean of each metric over the test cases of a run (and over the classes), as an evaluation of it alone has it. */
export function comparedRun({ run, scores }: ScoredRun, metrics: readonly MetricEntry[]): ComparedRun {
  const collector = new ScoreCollector()
  collector.add({ scores: scores.scores, problems: [], samples: scores.samples, raters: scores.raters })
  const { rows, cases } = collector.finish({
    title: run.name,
    dataset: { name: '', citation: [] },
    methods: [run.entry],
    classes: scores.classes,
    metrics,
    seed: 0,
    seconds: 0,
  })
  const { entry, name, fold, seed, folder } = run
  const whole = rows.filter((row) => row.class === null)
  return {
    entry,
    name,
    fold,
    seed,
    folder,
    cases,
    trainingSeconds: scores.trainingSeconds,
    speed: scores.speed,
    means: Object.fromEntries(whole.map(({ metric, mean }) => [metric, mean])),
  }
}

/** Mean and spread of each metric over the runs of one method. */
export function statisticsOf(runs: readonly ComparedRun[], metrics: readonly MetricEntry[]): RunStatistics[] {
  return metrics.map(({ id }) => {
    const value = (run: ComparedRun) => run.means[id] ?? Number.NaN
    const { mean, sd } = summarise(runs.map(value))
    return {
      metric: id,
      runs: runs.length,
      mean,
      sd,
      sdSeeds: spreadOf(runs, ({ seed }) => seed, value),
      sdFolds: runs.some(({ fold }) => fold === null)
        ? Number.NaN
        : spreadOf(runs, ({ fold }) => fold, value),
    }
  })
}

/** Standard deviation between groups of runs, each with its mean. */
function spreadOf(
  runs: readonly ComparedRun[],
  groupOf: (run: ComparedRun) => number | null,
  value: (run: ComparedRun) => number,
): number {
  const groups = groupBy(runs, groupOf)
  return summarise([...groups.values()].map((group) => summarise(group.map(value)).mean)).sd
}

/** Metrics that every finished run has, in the order of the first. */
export function sharedMetrics(runs: readonly ScoredRun[]): MetricEntry[] {
  const [first, ...rest] = runs
  return (first?.scores.metrics ?? [])
    .filter((id) => rest.every(({ scores }) => scores.metrics.includes(id)))
    .map((id) => metricCatalogue.get(id)!)
}

export interface CombineFacts {
  readonly title: string
  readonly dataset: Evaluation['dataset']
  readonly methods: readonly string[]
  readonly metrics: readonly MetricEntry[]
  readonly seed: number
  readonly notes: readonly string[]
}

/**
 * One evaluation of all methods, in which the score of a case is its mean over the seeds: tests and rankings then
 * pair cases, not repetitions of a case, which are not independent. Every fold brings cases of its own.
 */
export function combineRuns(runs: readonly ScoredRun[], facts: CombineFacts): Evaluation {
  const collector = new ScoreCollector()
  const [first] = runs as [ScoredRun]
  for (const own of groupBy(runs, ({ run }) => run.entry).values()) {
    const byCase = groupBy(
      own.flatMap(({ scores }) => scores.scores),
      (score) => JSON.stringify([score.case, score.class]),
    )
    const [{ scores }] = own as [ScoredRun]
    collector.add({
      scores: [...byCase.values()].map((group) => meanScore(group)),
      problems: firstOfEach(own),
      samples: scores.samples,
      raters: scores.raters,
    })
  }
  return collector.finish({
    ...facts,
    classes: first.scores.classes,
    metricOptions: first.scores.metricOptions,
    seconds: 0,
  })
}

/** A case that could not be scored is said once, not for every seed. */
function firstOfEach(runs: readonly ScoredRun[]) {
  const problems = runs.flatMap(({ scores }) => scores.problems)
  return [...new Map(problems.map((problem) => [problem.case, problem])).values()]
}

/** Mean over the seeds; a seed in which the empty rule leaves no value does not count. */
function meanScore(group: readonly ScoredClass[]): ScoredClass {
  const [first] = group as [ScoredClass]
  if (group.length === 1) return first
  const ids = Object.keys(first.values)
  const curves = Object.keys(first.curves ?? {}) as (keyof NonNullable<ScoredClass['curves']>)[]
  return {
    ...first,
    values: Object.fromEntries(
      ids.map((id) => {
        const values = group.map((one) => one.values[id]!).filter((value) => !Number.isNaN(value))
        return [id, values.length === 0 ? Number.NaN : values.reduce((a, b) => a + b, 0) / values.length]
      }),
    ),
    empty: Object.fromEntries(
      ids.map((id) => [id, group.map((one) => one.empty[id]!).find((one) => one !== 'none') ?? 'none']),
    ),
    ...(first.curves
      ? {
          curves: Object.fromEntries(
            curves.map((name) => [name, meanCurve(group.map((one) => one.curves![name]))]),
          ) as NonNullable<ScoredClass['curves']>,
        }
      : {}),
    marked: {
      prediction: group.some(({ marked }) => marked.prediction),
      reference: first.marked.reference,
    },
  }
}

const meanCurve = (curves: readonly Float64Array[]): Float64Array =>
  curves[0]!.map((_, t) => curves.reduce((sum, curve) => sum + curve[t]!, 0) / curves.length)
