import {
  bootstrapMean,
  bootstrapStatistic,
  type CurveName,
  comparePaired,
  type Emptiness,
  holmAdjust,
  type MetricEntry,
  quantile,
  rankMethods,
  summarise,
} from '@septum/core'
import type { CaseScore, ComparisonRow, EmptyCounts, MeanCurve, RankingRow, SummaryRow } from './types.js'

/** Everything that the statistics are made of. */
export interface ScoreTable {
  readonly methods: readonly string[]
  readonly classes: readonly string[]
  readonly metrics: readonly MetricEntry[]
  readonly scores: readonly CaseScore[]
  readonly curves: CurveTable
  readonly seed: number
}

/** Curves of the cases by `key(method, class, case)`. */
export type CurveTable = ReadonlyMap<string, Readonly<Partial<Record<CurveName, Float64Array>>>>

export const scoreKey = (method: string, name: string, caseName: string): string =>
  JSON.stringify([method, name, caseName])

/** Resamples of a curve's maximum: each one adds up 256 values a case. */
const CURVE_RESAMPLES = 500

interface Column {
  /** Cases in a fixed order, the same for every method. */
  readonly values: Float64Array
  readonly empty: readonly (Emptiness | undefined)[]
}

/** One metric of one method and class, laid out over all cases: what tests and rankings pair. */
export class ScoreColumns {
  readonly cases: readonly string[]
  readonly patients: readonly string[]
  private readonly scores = new Map<string, CaseScore>()

  constructor(private readonly table: ScoreTable) {
    const patients = new Map(table.scores.map((score) => [score.case, score.patient]))
    this.cases = [...patients.keys()].sort()
    this.patients = this.cases.map((name) => patients.get(name)!)
    for (const score of table.scores) this.scores.set(scoreKey(score.method, score.class, score.case), score)
  }

  /** @param name null: the mean over the classes that have a value. A case that was not scored is NaN. */
  column(method: string, name: string | null, metric: string): Column {
    if (name === null && this.table.classes.length > 1) {
      const each = this.table.classes.map((one) => this.column(method, one, metric))
      return {
        values: Float64Array.from(this.cases, (_, i) => summarise(each.map(({ values }) => values[i]!)).mean),
        empty: this.cases.map((_, i) =>
          each.map(({ empty }) => empty[i]).find((one) => one && one !== 'none'),
        ),
      }
    }
    const own = name ?? this.table.classes[0]!
    const rows = this.cases.map((one) => this.scores.get(scoreKey(method, own, one)))
    return {
      values: Float64Array.from(rows, (row) => row?.values[metric] ?? Number.NaN),
      empty: rows.map((row) => row?.empty[metric]),
    }
  }

  /** Curves of one method and class, in the order of the cases. */
  curves(method: string, name: string, curve: CurveName): (Float64Array | undefined)[] {
    return this.cases.map((one) => this.table.curves.get(scoreKey(method, name, one))?.[curve])
  }

  scored(method: string): boolean[] {
    return this.cases.map((one) =>
      this.table.classes.some((name) => this.scores.has(scoreKey(method, name, one))),
    )
  }
}

const rowNames = (classes: readonly string[]): (string | null)[] =>
  classes.length > 1 ? [null, ...classes] : [null]

/** Mean, spread and interval of every metric, method and class; with several classes their mean first. */
export function summaryRows(table: ScoreTable, columns: ScoreColumns): SummaryRow[] {
  return table.methods.flatMap((method) =>
    rowNames(table.classes).flatMap((name) =>
      table.metrics.map((entry) => summaryRow(table, columns, method, name, entry)),
    ),
  )
}

function summaryRow(
  table: ScoreTable,
  columns: ScoreColumns,
  method: string,
  name: string | null,
  entry: MetricEntry,
): SummaryRow {
  const { values, empty } = columns.column(method, name, entry.id)
  const scored = columns.scored(method)
  const own = Float64Array.from(Array.from(values).filter((_, i) => scored[i]))
  const { mean, sd, median, min, max, count } = summarise(own)
  const sorted = own.filter((value) => !Number.isNaN(value)).sort()
  const several = new Set(columns.patients.filter((_, i) => !Number.isNaN(values[i]!))).size > 1
  const base = {
    method,
    class: name,
    metric: entry.id,
    cases: count,
    undefinedCases: own.length - count,
    empty: emptyCounts(empty),
    sd,
    median,
    q1: quantile(sorted, 0.25),
    q3: quantile(sorted, 0.75),
    min,
    max,
  }
  if (entry.maximumOfCurve) {
    const best = curveMaximum(table, columns, method, name, entry.maximumOfCurve)
    const options = { seed: table.seed, resamples: CURVE_RESAMPLES }
    const { low, high } = bootstrapStatistic(columns.patients, best, options)
    const all = new Float64Array(columns.cases.length).fill(1)
    return { ...base, mean: best(all), interval: several ? [low, high] : null }
  }
  const { low, high } = bootstrapMean(values, columns.patients, { seed: table.seed })
  return { ...base, mean, interval: several ? [low, high] : null }
}

/** The largest value of the weighted mean curve; of several classes the mean of theirs. */
function curveMaximum(
  { classes }: ScoreTable,
  columns: ScoreColumns,
  method: string,
  name: string | null,
  curve: CurveName,
): (weights: Float64Array) => number {
  const lists = (name === null ? classes : [name]).map((one) => columns.curves(method, one, curve))
  const sum = new Float64Array(256)
  return (weights) => {
    const best = lists.map((list) => {
      sum.fill(0)
      let total = 0
      for (const [i, values] of list.entries()) {
        const weight = weights[i]!
        if (!values || weight === 0) continue
        total += weight
        for (let t = 0; t < 256; t++) sum[t]! += weight * values[t]!
      }
      return sum.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) / total
    })
    return best.reduce((a, b) => a + b, 0) / best.length
  }
}

function emptyCounts(empty: readonly (Emptiness | undefined)[]): EmptyCounts {
  const count = (which: Emptiness) => empty.filter((one) => one === which).length
  return { prediction: count('prediction'), reference: count('reference'), both: count('both') }
}

/**
 * All pairs of methods in all metrics that have a better side, p-values corrected together by Holm.
 * @param names classes to compare in; null: the mean over the classes. Several classes are corrected together too.
 */
export function compareMethods(
  table: ScoreTable,
  columns: ScoreColumns,
  names: readonly (string | null)[] = [null],
): ComparisonRow[] {
  const places = directed(table).flatMap((entry) => names.map((name) => ({ entry, name })))
  const rows = places.flatMap(({ entry, name }) =>
    pairsOf(table.methods).map(([a, b]): ComparisonRow => {
      const [one, other] = [a, b].map((method) => columns.column(method, name, entry.id).values)
      const paired = comparePaired(one!, other!, columns.patients, { seed: table.seed })
      const { cases, difference, interval, larger, smaller, equal, wilcoxon } = paired
      const [better, worse] = entry.direction === 'higher' ? [larger, smaller] : [smaller, larger]
      const p = cases > 0 ? wilcoxon.p : Number.NaN
      return {
        metric: entry.id,
        class: name,
        a,
        b,
        cases,
        difference,
        interval,
        better,
        worse,
        equal,
        p,
        pHolm: p,
      }
    }),
  )
  const adjusted = holmAdjust(rows.map((row) => row.p))
  return rows.map((row, i) => ({ ...row, pHolm: adjusted[i]! }))
}

/**
 * Rank of every method in every metric that has a better side, and how firm it is.
 * @param names as of {@link compareMethods}
 */
export function rankingRows(
  table: ScoreTable,
  columns: ScoreColumns,
  names: readonly (string | null)[] = [null],
): RankingRow[] {
  if (table.methods.length < 2) return []
  const places = directed(table).flatMap((entry) => names.map((name) => ({ entry, name })))
  return places.map(({ entry: { id, direction }, name }) => {
    const scores = table.methods.map((method) => columns.column(method, name, id).values)
    const options = { seed: table.seed, resamples: 1000 }
    return {
      metric: id,
      class: name,
      ...rankMethods(scores, columns.patients, direction as 'higher', options),
    }
  })
}

const directed = ({ metrics }: ScoreTable) => metrics.filter(({ direction }) => direction !== 'none')

function pairsOf(methods: readonly string[]): [string, string][] {
  return methods.flatMap((a, i) => methods.slice(i + 1).map((b): [string, string] => [a, b]))
}

/** Mean curve of each method and class over the cases that have one. */
export function meanCurves(table: ScoreTable, columns: ScoreColumns): MeanCurve[] {
  const names: readonly CurveName[] = ['dice', 'iou', 'precision', 'recall', 'specificity', 'f', 'e']
  return table.methods.flatMap((method) =>
    table.classes.flatMap((name) =>
      names.flatMap((curve): MeanCurve[] => {
        const lists = columns.curves(method, name, curve).filter((one) => one !== undefined)
        if (lists.length === 0) return []
        const values = Array.from(
          { length: 256 },
          (_, t) => lists.reduce((sum, list) => sum + list[t]!, 0) / lists.length,
        )
        return [{ method, class: name, curve, values }]
      }),
    ),
  )
}
