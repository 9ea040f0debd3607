import type { Evaluation } from '../types.js'

/** Lines of a CSV file (RFC 4180); a value that is not defined is an empty cell. */
function csv(rows: readonly (readonly (string | number)[])[]): string {
  const cell = (value: string | number) => {
    const text = typeof value === 'string' ? value : Number.isNaN(value) ? '' : String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** Scores of each case, method and class; `empty` says which side marks nothing. */
export function caseCsv({ perCase, metrics }: Evaluation): string {
  const ids = metrics.map(({ id }) => id)
  return csv([
    ['case', 'patient', 'method', 'class', 'empty', ...ids],
    ...perCase.map((score) => [
      score.case,
      score.patient,
      score.method,
      score.class,
      Object.values(score.empty)[0] ?? 'none',
      ...ids.map((id) => score.values[id] ?? Number.NaN),
    ]),
  ])
}

/** Statistics of each metric, method and class. */
export function summaryCsv({ rows }: Evaluation): string {
  const heads =
    'method,class,metric,mean,low,high,sd,median,q1,q3,min,max,cases,undefined,emptyBoth,emptyPrediction,emptyReference'
  return csv([
    heads.split(','),
    ...rows.map((row) => [
      row.method,
      row.class ?? '',
      row.metric,
      row.mean,
      row.interval?.[0] ?? Number.NaN,
      row.interval?.[1] ?? Number.NaN,
      row.sd,
      row.median,
      row.q1,
      row.q3,
      row.min,
      row.max,
      row.cases,
      row.undefinedCases,
      row.empty.both,
      row.empty.prediction,
      row.empty.reference,
    ]),
  ])
}

/** Pairs of methods: in the mean over the classes, for which `class` is empty, then in each class. */
export function comparisonCsv({ comparisons, byClass }: Evaluation): string {
  return csv([
    'metric,class,a,b,cases,difference,low,high,better,worse,equal,p,pHolm'.split(','),
    ...[...comparisons, ...byClass.comparisons].map((row) => [
      row.metric,
      row.class ?? '',
      row.a,
      row.b,
      row.cases,
      row.difference,
      row.interval?.[0] ?? Number.NaN,
      row.interval?.[1] ?? Number.NaN,
      row.better,
      row.worse,
      row.equal,
      row.p,
      row.pHolm,
    ]),
  ])
}
