import type { Evaluation } from '../types.js'
import { formatNumber, formatP, plainTitle } from './numbers.js'
import { footnotes, type PaperCell, type PaperTable, paperTables } from './tables.js'

const ARROWS = { higher: ' ↑', lower: ' ↓', none: '' } as const

/** Tables for a README or a wiki: means with their intervals, tests, footnotes. */
export function markdownTables(evaluation: Evaluation): string {
  const parts = [`# ${escapeMarkdown(evaluation.title)}`, ...paperTables(evaluation).map(oneTable)]
  const { byClass } = evaluation
  if (evaluation.comparisons.length > 0) parts.push(comparisons(evaluation, evaluation.comparisons))
  if (byClass.comparisons.length > 0) parts.push(comparisons(evaluation, byClass.comparisons))
  const notes = footnotes(evaluation).map((line) => `- ${escapeMarkdown(line)}`)
  const interval = '- Intervals: 95 %, percentile bootstrap over patients. Bold: best mean.'
  return `${[...parts, [interval, ...notes].join('\n')].join('\n\n')}\n`
}

function oneTable({ caption, columns, rows }: PaperTable): string {
  return [
    escapeMarkdown(caption),
    '',
    line([
      'method',
      ...columns.map(({ title, direction }) => `${escapeMarkdown(title)}${ARROWS[direction]}`),
    ]),
    line(['---', ...columns.map(() => '---:')]),
    ...rows.map(({ method, cells }) => line([escapeMarkdown(method), ...cells.map(cell)])),
  ].join('\n')
}

function cell({ row, place }: PaperCell): string {
  if (!row) return '–'
  const mean = formatNumber(row.mean)
  const [low, high] = row.interval ?? []
  const interval = low === undefined || high === undefined || !Number.isFinite(row.mean)
  return `${place === 1 ? `**${mean}**` : mean}${interval ? '' : ` (${formatNumber(low!)} to ${formatNumber(high!)})`}`
}

function comparisons({ metrics }: Evaluation, list: Evaluation['comparisons']): string {
  const title = new Map(metrics.map((entry) => [entry.id, plainTitle(entry)]))
  const each = list.some((row) => row.class !== null)
  return [
    `Pairs of methods${each ? ' in each class' : ''}: mean difference (a - b), Wilcoxon signed-rank test, p corrected by Holm over all lines.`,
    '',
    line(['metric', ...(each ? ['class'] : []), 'a', 'b', 'a - b', 'better / worse / equal', 'p (Holm)']),
    line(['---', ...(each ? ['---'] : []), '---', '---', '---:', '---:', '---:']),
    ...list.map((row) =>
      line([
        escapeMarkdown(title.get(row.metric)!),
        ...(each ? [escapeMarkdown(row.class!)] : []),
        escapeMarkdown(row.a),
        escapeMarkdown(row.b),
        row.interval
          ? `${formatNumber(row.difference)} (${row.interval.map((value) => formatNumber(value)).join(' to ')})`
          : formatNumber(row.difference),
        `${row.better} / ${row.worse} / ${row.equal}`,
        formatP(row.pHolm),
      ]),
    ),
  ].join('\n')
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]<>|]/g, (sign) => `\\${sign}`)
