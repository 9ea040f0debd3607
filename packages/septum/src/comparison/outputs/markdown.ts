import { markdownTables } from '../../evaluation/outputs/index.js'
import type { Comparison } from '../types.js'
import { type PaperCell, type PaperRow, paperTable } from './rows.js'
import { settingsRows } from './settings.js'

/** The comparison for a README or a wiki. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { title, failures, notes, evaluation } = comparison
  const table = paperTable(comparison)
  const [heads, ...settings] = settingsRows(comparison)
  const parts = [
    `# ${escapeMarkdown(title)}`,
    escapeMarkdown(table.caption),
    [
      line([
        'method',
        ...table.columns.map((column) => escapeMarkdown(`${column.title} ${column.arrow}`.trim())),
      ]),
      line(['---', ...table.columns.map(() => '---:')]),
      ...table.rows.map(tableRow),
    ].join('\n'),
    [...table.sources, ...notes].map((text) => `- ${escapeMarkdown(text)}`).join('\n'),
    '## Settings',
    [
      line(heads!),
      line(heads!.map(() => '---')),
      ...settings.map((row) => line(row.map(escapeMarkdown))),
    ].join('\n'),
    ...(failures.length > 0
      ? [
          '## What failed',
          failures
            .map(
              ({ entry, run, message }) =>
                `- ${escapeMarkdown(`${entry}${run === null ? '' : `, ${run}`}: ${message}`)}`,
            )
            .join('\n'),
        ]
      : []),
    // The cases averaged over the seeds, with intervals and tests; its own title is this section's.
    ...(evaluation === null
      ? []
      : [`## Case by case\n${markdownTables(evaluation).replace(/^#[^\n]*\n/, '')}`.trimEnd()]),
  ]
  return `${parts.join('\n\n')}\n`
}

function tableRow({ kind, name, remark, cells }: PaperRow): string {
  const label = escapeMarkdown(`${name}${remark === null ? '' : ` (${remark})`}`)
  return line([kind === 'ours' ? label : `*${label}, published*`, ...cells.map(cellText)])
}

function cellText({ text, spread, place }: PaperCell): string {
  const own = place === 1 ? `**${text}**` : text
  return spread === null ? own : `${own} ${spread}`
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]<>|]/g, (sign) => `\\${sign}`)
