import { type PaperCell, paperTable, settingsRows } from '../../comparison/outputs/index.js'
import type { Comparison } from '../../comparison/types.js'
import { formatNumber, formatP, plainTitle } from '../../evaluation/outputs/index.js'
import { type Column, formatTable, wrapText } from '../table.js'
import { type Paint, textWidth } from '../terminal.js'

interface Style {
  readonly columns: number
  readonly paint: Paint
}

/** The table of the paper, tests of the leading metric, settings and notes, for a terminal. */
export function comparisonLines(comparison: Comparison, style: Style): string[] {
  const { columns, paint } = style
  const table = paperTable(comparison)
  const [heads, ...settings] = settingsRows(comparison)
  const notes = [...table.sources, ...comparison.notes].flatMap((text) => wrapText(text, columns))
  return [
    paint('bold', comparison.title),
    ...wrapText(table.caption, columns),
    '',
    ...blocks(comparison, style),
    ...tests(comparison, style),
    '',
    ...formatTable(
      heads!.map((title) => ({ title, wrap: title === 'augmentation' })),
      settings,
      style,
    ),
    '',
    ...notes,
  ]
}

/** As many columns beside each other as fit; the rest below, with the names again. */
function blocks(comparison: Comparison, { columns, paint }: Style): string[] {
  const { columns: heads, rows } = paperTable(comparison)
  const label = (row: (typeof rows)[number]) =>
    `${row.kind === 'ours' ? row.name : '  published'}${row.remark === null ? '' : ` (${row.remark})`}`
  const first = rows.map(label)
  const cells = heads.map((_, i) => rows.map((row) => cellText(row.cells[i]!)))
  const titles = heads.map(({ title, arrow }) => `${title} ${arrow}`.trim())
  const widest = (title: string, texts: readonly string[]) =>
    Math.max(textWidth(title), ...texts.map(textWidth))
  const start = widest('method', first)
  const lines: string[] = []
  let from = 0
  while (from < heads.length) {
    let to = from
    let width = start
    while (to < heads.length && (to === from || width + 2 + widest(titles[to]!, cells[to]!) <= columns)) {
      width += 2 + widest(titles[to]!, cells[to]!)
      to++
    }
    const shown = Array.from({ length: to - from }, (_, i) => from + i)
    const columnsShown: Column[] = [
      { title: 'method' },
      ...shown.map((i): Column => ({ title: titles[i]!, align: 'right' })),
    ]
    const body = first.map((name, r) => [name, ...shown.map((i) => cells[i]![r]!)])
    lines.push(...(lines.length > 0 ? [''] : []), ...formatTable(columnsShown, body, { columns, paint }))
    from = to
  }
  return lines
}

const cellText = ({ text, spread }: PaperCell): string => (spread === null ? text : `${text} ${spread}`)

/** Pairs in the first metric; all others are in the report. */
function tests({ evaluation, metrics }: Comparison, style: Style): string[] {
  const leading = metrics.find(({ direction }) => direction !== 'none')
  const rows = evaluation?.comparisons.filter(({ metric }) => metric === leading?.id) ?? []
  if (!leading || rows.length === 0) return []
  const heads: Column[] = [
    { title: plainTitle(leading) },
    { title: 'difference', align: 'right' },
    { title: 'better/worse/equal', align: 'right' },
    { title: 'p (Holm)', align: 'right' },
  ]
  const stable = evaluation!.rankings.find(({ metric }) => metric === leading.id)
  return [
    '',
    ...formatTable(
      heads,
      rows.map((row) => [
        `${row.a} - ${row.b}`,
        formatNumber(row.difference),
        `${row.better}/${row.worse}/${row.equal}`,
        formatP(row.pHolm),
      ]),
      style,
    ),
    ...(stable
      ? [
          `Stability of the ranking by ${plainTitle(leading)}: ${formatNumber(stable.stability)} (1 never changes).`,
        ]
      : []),
  ]
}
