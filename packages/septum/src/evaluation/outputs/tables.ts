import type { MetricEntry } from '@septum/core'
import type { Evaluation, SummaryRow } from '../types.js'
import { metricTitle, plainTitle } from './numbers.js'

/** A table as papers print it: a row for each method, a column for each metric (or class). */
export interface PaperTable {
  readonly name: string
  readonly caption: string
  readonly columns: readonly PaperColumn[]
  readonly rows: readonly { readonly method: string; readonly cells: readonly PaperCell[] }[]
}

export interface PaperColumn {
  readonly title: string
  /** With `_` and `^` before what stands low and high. */
  readonly formula: string
  readonly direction: MetricEntry['direction']
}

export interface PaperCell {
  readonly row: SummaryRow | undefined
  /** Place among the methods by mean: 1 is set bold, 2 underlined; null with one method. */
  readonly place: number | null
}

/** Metrics by methods, and with several classes a table for each metric with the classes as columns. */
export function paperTables(evaluation: Evaluation): PaperTable[] {
  const { classes, metrics, cases, dataset } = evaluation
  const several = classes.length > 1
  const what = `${cases} case${cases === 1 ? '' : 's'} of ${dataset.name}`
  const main: PaperTable = {
    name: 'results',
    caption: `Mean over ${what}${several ? ` and over ${classes.length} classes` : ''}.`,
    columns: metrics.map((entry) => columnOf(entry, evaluation)),
    rows: rowsOf(
      evaluation,
      metrics.map((entry) => ({ entry, name: null })),
    ),
  }
  if (!several) return [main]
  return [
    main,
    ...metrics.map((entry): PaperTable => {
      const places = [null, ...classes].map((name) => ({ entry, name }))
      return {
        name: entry.id,
        caption: `${metricTitle(entry, inMillimetres(evaluation))} by class, mean over ${what}.`,
        columns: places.map(({ name }) => ({
          title: name ?? 'mean',
          formula: name ?? 'mean',
          direction: entry.direction,
        })),
        rows: rowsOf(evaluation, places),
      }
    }),
  ]
}

/** True where the spacing of the images is known. */
export const inMillimetres = ({ notes }: Evaluation): boolean => notes.includes(MILLIMETRES)
export const MILLIMETRES = 'Lengths are in millimetres, by the spacing of the images.'

const columnOf = (entry: MetricEntry, evaluation: Evaluation): PaperColumn => ({
  title: metricTitle(entry, inMillimetres(evaluation)),
  formula: metricTitle(entry, inMillimetres(evaluation), entry.title),
  direction: entry.direction,
})

function rowsOf(
  { methods, rows }: Evaluation,
  places: readonly { readonly entry: MetricEntry; readonly name: string | null }[],
): PaperTable['rows'] {
  const found = places.map(({ entry, name }) =>
    methods.map((method) =>
      rows.find((row) => row.method === method && row.metric === entry.id && row.class === name),
    ),
  )
  const ranks = found.map((column, i) => placesOf(column, places[i]!.entry.direction))
  return methods.map((method, m) => ({
    method,
    cells: found.map((column, i) => ({ row: column[m], place: ranks[i]![m]! })),
  }))
}

function placesOf(column: readonly (SummaryRow | undefined)[], direction: MetricEntry['direction']) {
  const means = column.map((row) => row?.mean ?? Number.NaN)
  if (means.length < 2 || direction === 'none') return means.map(() => null)
  const sign = direction === 'higher' ? 1 : -1
  return means.map((own) =>
    Number.isNaN(own) ? null : 1 + means.filter((other) => sign * other > sign * own).length,
  )
}

/** Sentences under every table: empty masks and their rules, cases without a value, what was left out. */
export function footnotes(evaluation: Evaluation): string[] {
  const { metrics, methods, problems, unpaired, notes, rankings } = evaluation
  const failed = new Set(problems.map((problem) => problem.case)).size
  const least = Math.min(...rankings.map(({ cases }) => cases))
  return [
    ...emptyNotes(evaluation),
    ...(failed > 0
      ? [`${failed} ${failed === 1 ? 'case' : 'cases'} could not be scored; see the problems.`]
      : []),
    ...unpaired
      .filter(({ withoutPrediction }) => withoutPrediction.length > 0)
      .map(
        ({ method, withoutPrediction: { length } }) =>
          `${methods.length > 1 ? `${method}: ` : ''}${length === 1 ? '1 reference has no prediction and is' : `${length} references have no prediction and are`} left out.`,
      ),
    ...(metrics.some(({ maximumOfCurve }) => maximumOfCurve)
      ? [
          'A maximum over thresholds is that of the mean curve; tests and rankings use the maxima of the cases.',
        ]
      : []),
    ...(rankings.length > 0
      ? [`Tests and rankings use the cases in which all methods compared have a value (${least} at least).`]
      : []),
    ...notes,
  ]
}

/** How often each side is empty, said once for metrics that agree; then the rules; then what has no value. */
function emptyNotes({ rows, metrics, methods }: Evaluation): string[] {
  const counts = new Map<string, string[]>()
  const rules = new Map<string, string[]>()
  const missing: string[] = []
  const add = (map: Map<string, string[]>, text: string, title: string) =>
    map.set(text, [...(map.get(text) ?? []), title])
  for (const entry of metrics) {
    const own = rows.filter((row) => row.metric === entry.id && row.class === null)
    const named = (row: SummaryRow, text: string) => (methods.length > 1 ? `${row.method} ${text}` : text)
    const asked = own.filter(({ empty }) => empty.both + empty.prediction + empty.reference > 0)
    if (asked.length > 0) {
      add(counts, asked.map((row) => named(row, emptyText(row))).join('; '), plainTitle(entry))
      if (!/^needs no rule/i.test(entry.empty)) add(rules, entry.empty, plainTitle(entry))
    }
    const without = own.filter(({ undefinedCases }) => undefinedCases > 0)
    if (without.length > 0) {
      const list = without.map((row) => named(row, String(row.undefinedCases))).join(', ')
      missing.push(`${plainTitle(entry)} has no value in some cases, which its mean leaves out: ${list}.`)
    }
  }
  const all = counts.size === 1
  return [
    ...[...counts].map(
      ([text, titles]) => `Cases with an empty mask${all ? '' : ` (${titles.join(', ')})`}: ${text}.`,
    ),
    ...[...rules].map(([text, titles]) => `Empty masks in ${titles.join(', ')}: ${lower(text)}`),
    ...missing,
  ]
}

function emptyText({ empty: { both, prediction, reference } }: SummaryRow): string {
  return [
    prediction > 0 && `${prediction} in the prediction only`,
    reference > 0 && `${reference} in the reference only`,
    both > 0 && `${both} in both`,
  ]
    .filter(Boolean)
    .join(', ')
}

const lower = (text: string): string =>
  /^[A-Z]{2}|^NaN/.test(text) ? text : `${text.charAt(0).toLowerCase()}${text.slice(1)}`
