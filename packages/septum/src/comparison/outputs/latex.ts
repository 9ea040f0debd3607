import { escapeLatex } from '../../evaluation/outputs/index.js'
import type { Comparison } from '../types.js'
import { type PaperCell, type PaperColumn, paperTable } from './rows.js'

const ARROWS: Readonly<Record<string, string>> = { '↑': ' $\\uparrow$', '↓': ' $\\downarrow$' }
const LETTERS: Readonly<Record<string, string>> = {
  _β: '$_{\\beta}$',
  _φ: '$_{\\phi}$',
  _α: '$_{\\alpha}$',
  '^w': '$^{w}$',
}

/** The table of the paper in LaTeX (booktabs): best mean of ours bold, second underlined, published rows grey. */
export function comparisonLatex(comparison: Comparison): string {
  const { columns, rows, caption, sources } = paperTable(comparison)
  const notes = [...sources, ...comparison.notes].map((text) => `% ${text}`)
  return `${[
    '% \\usepackage{booktabs,xcolor}',
    ...notes,
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${text(caption)} Best mean of ours in bold, second underlined; grey: as published.}`,
    '  \\label{tab:comparison}',
    `  \\begin{tabular}{l${'c'.repeat(columns.length)}}`,
    '    \\toprule',
    `    ${['Method', ...columns.map(heading)].join(' & ')} \\\\`,
    '    \\midrule',
    ...rows.map(({ kind, name, remark, cells }) => {
      const label = text(`${name}${remark === null ? '' : ` (${remark})`}`)
      const line = [kind === 'ours' ? label : `${label}, published`, ...cells.map(cellText)]
      return `    ${(kind === 'ours' ? line : line.map((cell) => `\\textcolor{gray}{${cell}}`)).join(' & ')} \\\\`
    }),
    '    \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
  ].join('\n')}\n`
}

function heading({ title, arrow, metric }: PaperColumn): string {
  if (!metric) return text(title)
  // The unit stands behind the name of the metric, whose letters are mathematics here.
  const unit = / \((?:mm|mm³|px)\)$/.exec(title)?.[0] ?? ''
  const parts = metric.title.split(/(_[βφα]|\^w)/)
  return `${parts.map((part) => LETTERS[part] ?? text(part)).join('')}${text(unit)}${ARROWS[arrow] ?? ''}`
}

function cellText({ text: value, spread, place }: PaperCell): string {
  const own = text(value)
  const marked = place === 1 ? `\\textbf{${own}}` : place === 2 ? `\\underline{${own}}` : own
  return spread === null ? marked : `${marked} {\\scriptsize$\\pm${spread.replace('± ', '')}$}`
}

const text = (value: string): string =>
  escapeLatex(value).replaceAll('±', '$\\pm$').replaceAll('×', '$\\times$').replaceAll('°', '$^{\\circ}$')
