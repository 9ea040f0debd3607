import {
  arrowOf,
  footnotes,
  formatNumber,
  formatP,
  inMillimetres,
  metricTitle,
  plainTitle,
} from '../../evaluation/outputs/index.js'
import type { Evaluation, SummaryRow } from '../../evaluation/types.js'
import { formatDuration } from '../reporter/format.js'
import { type Column, formatTable, wrapText } from '../table.js'
import type { Paint } from '../terminal.js'

/** A score with its interval, `0.323 [0.298, 0.351]`, or `-` where no case has a value. */
export function formatScore({ mean, interval }: Pick<SummaryRow, 'mean' | 'interval'>): string {
  if (Number.isNaN(mean)) return '-'
  const [low, high] = interval ?? []
  const known = low !== undefined && high !== undefined && Number.isFinite(low) && Number.isFinite(high)
  return known ? `${formatNumber(mean)} [${formatNumber(low)}, ${formatNumber(high)}]` : formatNumber(mean)
}

interface ScoreStyle {
  readonly columns: number
  readonly unicode: boolean
  readonly paint: Paint
}

/** Title, one row a metric; a column for each method, or for each class of a single one; tests; notes. */
export function evaluationLines(evaluation: Evaluation, style: ScoreStyle): string[] {
  const { title, methods, classes } = evaluation
  const { columns, paint } = style
  const groups: (string | null)[] = classes.length > 1 ? [null, ...classes] : [null]
  const blocks =
    methods.length === 1
      ? [
          scoreTable(
            evaluation,
            style,
            groups.map((name) => ({
              method: methods[0]!,
              name,
              title: name ?? (classes.length > 1 ? 'mean' : 'mean [95 %]'),
            })),
          ),
        ]
      : groups.map((name) => [
          ...(classes.length > 1 ? [paint('bold', name ?? 'mean of the classes')] : []),
          ...scoreTable(
            evaluation,
            style,
            methods.map((method) => ({ method, name, title: method })),
          ),
        ])
  const intervals = evaluation.rows.some((row) => row.interval)
  const notes = [
    ...(intervals ? ['[ ]: 95 % bootstrap interval over patients.'] : []),
    ...footnotes(evaluation),
  ].flatMap((text) => wrapText(text, columns))
  return [
    paint('bold', title),
    facts(evaluation),
    ...blocks.flatMap((lines) => ['', ...lines]),
    ...comparisonLines(evaluation, style),
    '',
    ...notes.map((text) => paint('dim', text)),
  ]
}

interface Place {
  readonly method: string
  readonly name: string | null
  readonly title: string
}

function scoreTable(evaluation: Evaluation, style: ScoreStyle, places: readonly Place[]): string[] {
  const { metrics, rows } = evaluation
  const { columns, paint, unicode } = style
  const labels = metrics.map((entry) => {
    const arrow = unicode ? arrowOf(entry) : entry.direction === 'none' ? '' : `(${entry.direction})`
    return `${metricTitle(entry, inMillimetres(evaluation))} ${arrow}`.trim()
  })
  const rowOf = (place: Place, metric: string) =>
    rows.find((row) => row.metric === metric && row.method === place.method && row.class === place.name)
  // A single column leaves room for the spread.
  const single = places.length === 1
  const lines: string[] = []
  for (const block of inBlocks(places, labels, columns)) {
    const heads: Column[] = [
      { title: 'metric' },
      ...block.map(({ title }) => ({ title })),
      ...(single ? ['SD', 'median', 'cases'].map((title): Column => ({ title, align: 'right' })) : []),
    ]
    const cells = metrics.map(({ id }, i) => [
      labels[i]!,
      ...block.map((place) => {
        const row = rowOf(place, id)
        return row ? formatScore(row) : ''
      }),
      ...(single ? spread(rowOf(block[0]!, id)) : []),
    ])
    lines.push(...(lines.length > 0 ? [''] : []), ...formatTable(heads, cells, { columns, paint }))
  }
  return lines
}

const spread = (row: SummaryRow | undefined): string[] =>
  row ? [formatNumber(row.sd), formatNumber(row.median), String(row.cases)] : ['', '', '']

/** As many columns side by side as fit: a score with its interval takes 22. */
function inBlocks(places: readonly Place[], labels: readonly string[], columns: number): Place[][] {
  const room = columns - Math.max(...labels.map((label) => label.length), 6)
  const widest = Math.max(22, ...places.map(({ title }) => title.length + 2))
  const count = Math.max(1, Math.floor(room / widest))
  return Array.from({ length: Math.ceil(places.length / count) }, (_, i) =>
    places.slice(i * count, (i + 1) * count),
  )
}

/** Most lines that a terminal is given; the files have all. */
const MOST_PAIRS = 12

/** Pairs of methods with the signed-rank test, and the ranking of each metric. */
function comparisonLines(
  { comparisons, rankings, metrics, methods }: Evaluation,
  { columns, paint }: ScoreStyle,
): string[] {
  if (comparisons.length === 0) return []
  const name = new Map(metrics.map((entry) => [entry.id, plainTitle(entry)]))
  const heads: Column[] = [
    { title: 'metric' },
    { title: 'a against b' },
    { title: 'a - b' },
    { title: 'better/worse', align: 'right' },
    { title: 'p (Holm)', align: 'right' },
  ]
  const rows = comparisons
    .slice(0, MOST_PAIRS)
    .map((row) => [
      name.get(row.metric)!,
      `${row.a}, ${row.b}`,
      formatScore({ mean: row.difference, interval: row.interval }),
      `${row.better}/${row.worse}`,
      formatP(row.pHolm),
    ])
  const [first] = rankings
  const order =
    first && methods.map((method, m) => ({ method, rank: first.ranks[m]!, interval: first.intervals[m]! }))
  return [
    '',
    ...formatTable(heads, rows, { columns, paint }),
    ...(comparisons.length > MOST_PAIRS
      ? [paint('dim', `… ${comparisons.length - MOST_PAIRS} more in the files of --out.`)]
      : []),
    ...(order
      ? [
          '',
          `Ranking by ${name.get(first.metric)}: ${order
            .sort((a, b) => a.rank - b.rank)
            .map(({ method, rank, interval: [low, high] }) => `${rank} ${method} [${low}, ${high}]`)
            .join(
              ', ',
            )}; it agrees with its bootstrap resamples by ${formatNumber(first.stability)} (Kendall).`,
        ]
      : []),
  ]
}

function facts({ cases, patients, samples, raters, seed, seconds, workers }: Evaluation): string {
  const some = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`
  return [
    `${some(cases, 'case')} of ${some(patients, 'patient')}`,
    samples > 1 && some(samples, 'sample'),
    raters > 1 && some(raters, 'rater'),
    seed !== 0 && `seed ${seed}`,
    formatDuration(seconds),
    workers > 1 && `${workers} threads`,
  ]
    .filter(Boolean)
    .join(', ')
}
