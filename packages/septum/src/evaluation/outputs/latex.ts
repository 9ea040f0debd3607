import type { Evaluation } from '../types.js'
import { formatNumber } from './numbers.js'
import { footnotes, type PaperCell, type PaperTable, paperTables } from './tables.js'

const ARROWS = { higher: ' $\\uparrow$', lower: ' $\\downarrow$', none: '' } as const

/** Tables as papers print them (booktabs): best mean bold, second underlined, footnotes as comments. */
export function latexTables(evaluation: Evaluation): string {
  const notes = footnotes(evaluation).map((text) => `% ${text}`)
  return `${['% \\usepackage{booktabs}', ...notes, ...paperTables(evaluation).map(oneTable)].join('\n')}\n`
}

function oneTable({ name, caption, columns, rows }: PaperTable): string {
  const several = rows.length > 1 ? ' Best in bold, second underlined.' : ''
  return [
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${escapeLatex(caption)}${several}}`,
    `  \\label{tab:${name.replace(/[^A-Za-z0-9-]/g, '')}}`,
    `  \\begin{tabular}{l${'c'.repeat(columns.length)}}`,
    '    \\toprule',
    `    ${['Method', ...columns.map(({ formula, direction }) => `${formulaLatex(formula)}${ARROWS[direction]}`)].join(' & ')} \\\\`,
    '    \\midrule',
    ...rows.map(({ method, cells }) => `    ${[escapeLatex(method), ...cells.map(cell)].join(' & ')} \\\\`),
    '    \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
  ].join('\n')
}

function cell({ row, place }: PaperCell): string {
  if (!row || Number.isNaN(row.mean)) return '--'
  const mean = escapeLatex(formatNumber(row.mean, '−'))
  const spread = Number.isFinite(row.sd) ? ` {\\scriptsize$\\pm${formatNumber(row.sd)}$}` : ''
  return `${place === 1 ? `\\textbf{${mean}}` : place === 2 ? `\\underline{${mean}}` : mean}${spread}`
}

const special: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '²': '$^2$',
  '³': '$^3$',
  '₀': '$_0$',
  '₁': '$_1$',
  '₂': '$_2$',
  β: '$\\beta$',
  ω: '$\\omega$',
  α: '$\\alpha$',
  φ: '$\\phi$',
  '∞': '$\\infty$',
  '−': '$-$',
  '–': '--',
}

/** `F_β^w` as mathematics, the rest as text; a class may have underscores of its own. */
function formulaLatex(text: string): string {
  return escapeLatex(text)
    .replace(/\\_\$\\(beta|phi|alpha)\$/g, '$_{\\$1}$')
    .replace(/\\textasciicircum\{\}w/g, '$^{w}$')
    .replaceAll('$$', '')
}

/** Text for LaTeX: what it takes for commands is written as a sign. */
export function escapeLatex(text: string): string {
  return text.replace(/[\\~^²³₀₁₂βωαφ∞−–]|[&%$#_{}]/g, (sign) => special[sign] ?? `\\${sign}`)
}
