import { defaultMetricOptions, type MetricEntry, type MetricOptions } from '@septum/core'
import type { ScoredCase, ScoredClass } from './score.js'
import {
  type CurveTable,
  compareMethods,
  meanCurves,
  rankingRows,
  ScoreColumns,
  scoreKey,
  summaryRows,
} from './summarise.js'
import type { AbsentClass, CaseProblem, Evaluation, UnpairedCases } from './types.js'

/** What is known of an evaluation besides its scores. */
export interface EvaluationFacts {
  readonly title: string
  readonly dataset: Evaluation['dataset']
  readonly methods: readonly string[]
  readonly classes: readonly string[]
  readonly metrics: readonly MetricEntry[]
  readonly metricOptions?: Partial<MetricOptions>
  readonly seed: number
  readonly unpaired?: readonly UnpairedCases[]
  readonly notes?: readonly string[]
  readonly workers?: number
  readonly seconds: number
}

/** Gathers the scores of cases, in any order, and turns them into the result. */
export class ScoreCollector {
  private readonly scores: ScoredClass[] = []
  private readonly curves = new Map<string, NonNullable<ScoredClass['curves']>>()
  private readonly problems: CaseProblem[] = []
  private samples = 1
  private raters = 1

  add({ scores, problems, samples, raters }: ScoredCase): void {
    for (const { curves, ...score } of scores) {
      this.scores.push(score)
      if (curves) this.curves.set(scoreKey(score.method, score.class, score.case), curves)
    }
    this.problems.push(...problems)
    this.samples = Math.max(this.samples, samples)
    this.raters = Math.max(this.raters, raters)
  }

  get count(): number {
    return new Set(this.scores.map((score) => score.case)).size
  }

  /** Statistics over all that was added; the order in which cases came does not matter. */
  finish(facts: EvaluationFacts): Evaluation {
    const { methods, classes, metrics, seed, unpaired = [], notes = [], workers = 1 } = facts
    const order = (list: readonly string[]) => new Map(list.map((name, i) => [name, i]))
    const [methodOrder, classOrder] = [order(methods), order(classes)]
    const sorted = [...this.scores].sort(
      (a, b) =>
        (a.case < b.case ? -1 : a.case > b.case ? 1 : 0) ||
        methodOrder.get(a.method)! - methodOrder.get(b.method)! ||
        classOrder.get(a.class)! - classOrder.get(b.class)!,
    )
    const curves: CurveTable = this.curves
    const table = { methods, classes, metrics, scores: sorted, curves, seed }
    const columns = new ScoreColumns(table)
    const single = classes.length < 2
    return {
      title: facts.title,
      dataset: facts.dataset,
      methods,
      classes,
      metrics,
      metricOptions: { ...defaultMetricOptions, ...facts.metricOptions },
      cases: columns.cases.length,
      patients: new Set(columns.patients).size,
      samples: this.samples,
      raters: this.raters,
      seed,
      rows: summaryRows(table, columns),
      perCase: sorted.map(({ marked, ...score }) => score),
      comparisons: compareMethods(table, columns),
      rankings: rankingRows(table, columns),
      byClass: {
        comparisons: single ? [] : compareMethods(table, columns, classes),
        rankings: single ? [] : rankingRows(table, columns, classes),
      },
      curves: meanCurves(table, columns),
      problems: this.problems.sort((a, b) => (a.case < b.case ? -1 : a.case > b.case ? 1 : 0)),
      unpaired,
      absent: absentClasses(sorted, methods, classes),
      notes,
      workers,
      seconds: facts.seconds,
    }
  }
}

/** Classes that nobody marks in any case: their scores rest on empty rules alone. */
function absentClasses(
  scores: readonly ScoredClass[],
  methods: readonly string[],
  classes: readonly string[],
): AbsentClass[] {
  return classes.flatMap((name): AbsentClass[] => {
    const own = scores.filter((score) => score.class === name)
    if (own.length === 0) return []
    const inReferences = own.some(({ marked }) => marked.reference)
    const missing = methods.filter((method) => {
      const rows = own.filter((score) => score.method === method)
      return rows.length > 0 && !rows.some(({ marked }) => marked.prediction)
    })
    return [
      ...(inReferences ? [] : [{ class: name, method: null }]),
      ...missing.map((method) => ({ class: name, method })),
    ]
  })
}
