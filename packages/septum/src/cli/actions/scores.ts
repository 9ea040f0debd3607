import type { EvaluateResult, MetricRow } from '../../training/api.js'
import { formatDuration } from '../reporter/format.js'
import { type Column, formatTable } from '../table.js'
import type { Paint } from '../terminal.js'

/** A score with its interval, `0.323 [0.298, 0.351]`, or `-` where no case has a value. */
export function formatScore({ mean, interval }: Pick<MetricRow, 'mean' | 'interval'>): string {
  if (!Number.isFinite(mean)) return '-'
  const [low, high] = interval ?? []
  const known = low !== undefined && high !== undefined && Number.isFinite(low) && Number.isFinite(high)
  return known ? `${fixed(mean)} [${fixed(low)}, ${fixed(high)}]` : fixed(mean)
}

/** Three digits behind the point, as the field prints scores; distances in mm or pixels need fewer. */
const fixed = (value: number): string =>
  value.toFixed(Math.abs(value) >= 100 ? 1 : Math.abs(value) >= 10 ? 2 : 3)

interface ScoreStyle {
  readonly columns: number
  readonly unicode: boolean
  readonly paint: Paint
}

/** Title, one row a metric, one column a class (in blocks that fit the width), notes. */
export function scoreLines(result: EvaluateResult, { columns, unicode, paint }: ScoreStyle): string[] {
  const classes = [...new Set(result.rows.map((row) => row.class))]
  const metrics = [...new Map(result.rows.map((row) => [row.metric, row])).values()]
  const cell = (metric: string, name: string | null) => {
    const row = result.rows.find((candidate) => candidate.metric === metric && candidate.class === name)
    return row ? formatScore(row) : ''
  }
  const arrows = unicode ? { higher: '↑', lower: '↓' } : { higher: '(higher)', lower: '(lower)' }
  const labels = metrics.map(({ label, better }) => (better ? `${label} ${arrows[better]}` : label))
  const missing = metrics.map(({ metric }) =>
    Math.max(...result.rows.filter((row) => row.metric === metric).map((row) => row.undefinedCases)),
  )
  const lines = [paint('bold', result.title), facts(result)]
  for (const block of blocks(classes, labels, columns)) {
    const heads: Column[] = [
      { title: 'metric' },
      ...block.map((name) => ({
        title: name ?? (classes.length > 1 ? 'mean' : 'score'),
        align: 'left' as const,
      })),
      ...(missing.some(Boolean) ? [{ title: 'no value', align: 'right' as const }] : []),
    ]
    const rows = metrics.map(({ metric }, i) => [
      labels[i]!,
      ...block.map((name) => cell(metric, name)),
      missing[i] ? `${missing[i]} case${missing[i] === 1 ? '' : 's'}` : '',
    ])
    lines.push('', ...formatTable(heads, rows, { columns, paint }))
  }
  const intervals = result.rows.some((row) => row.interval)
  const note = '[ ]: 95 % bootstrap interval over patients.'
  return [
    ...lines,
    '',
    ...(intervals ? [paint('dim', note)] : []),
    ...result.notes.map((text) => paint('dim', text)),
  ]
}

function facts({ cases, patients, samples, raters, seed, seconds }: EvaluateResult): string {
  const some = (count: number, word: string) => `${count} ${word}${count === 1 ? '' : 's'}`
  return [
    `${some(cases, 'case')} of ${some(patients, 'patient')}`,
    samples > 0 && some(samples, 'sample'),
    some(raters, 'rater'),
    seed !== null && `seed ${seed}`,
    formatDuration(seconds),
  ]
    .filter(Boolean)
    .join(', ')
}

/** As many classes side by side as fit: a score with its interval takes 22 columns. */
function blocks<T>(classes: readonly T[], labels: readonly string[], columns: number): T[][] {
  const room = columns - Math.max(...labels.map((label) => label.length), 6) - 12
  const count = Math.max(1, Math.floor(room / 23))
  return Array.from({ length: Math.ceil(classes.length / count) }, (_, i) =>
    classes.slice(i * count, (i + 1) * count),
  )
}

/** CSV (RFC 4180) of the scores of each case; a score that is not defined is an empty cell. */
export function caseTable({ perCase }: EvaluateResult): string {
  const names = [...new Set(perCase.flatMap(({ scores }) => Object.keys(scores)))]
  const rows = perCase.map(({ case: name, patient, scores }) => [
    name,
    patient,
    ...names.map((key) => (Number.isFinite(scores[key]) ? String(scores[key]) : '')),
  ])
  return [['case', 'patient', ...names], ...rows].map((row) => `${row.map(csvCell).join(',')}\r\n`).join('')
}

const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
