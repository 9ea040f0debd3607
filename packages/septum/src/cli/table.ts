import { fitText, type Paint, textWidth } from './terminal.js'

export interface Column {
  readonly title: string
  /** Numbers stand to the right so that digits line up. Default `left`. */
  readonly align?: 'left' | 'right'
  /** Breaks long text into lines instead of cutting it. */
  readonly wrap?: boolean
  readonly widest?: number
}

const GAP = '  '

/** An aligned table without rules; the last column is cut or wrapped to fit `columns`. */
export function formatTable(
  heads: readonly Column[],
  rows: readonly (readonly string[])[],
  { columns, paint }: { readonly columns: number; readonly paint: Paint },
): string[] {
  const widths = heads.map(({ title, widest = Number.POSITIVE_INFINITY }, i) =>
    Math.min(widest, Math.max(textWidth(title), ...rows.map((row) => textWidth(row[i] ?? '')))),
  )
  const last = heads.length - 1
  const before = widths.slice(0, last).reduce((sum, width) => sum + width + GAP.length, 0)
  const room = Math.max(columns - before, 20)
  if (widths[last]! > room) widths[last] = room
  const titles = formatRow(
    heads,
    heads.map((head) => head.title),
    widths,
  )
  return [
    ...titles.map((line) => paint('bold', line)),
    ...rows.flatMap((row) => formatRow(heads, row, widths)),
  ]
}

function formatRow(heads: readonly Column[], row: readonly string[], widths: readonly number[]): string[] {
  const cells = heads.map((head, i) => cellLines(row[i] ?? '', widths[i]!, head.wrap === true))
  const height = Math.max(...cells.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    heads
      .map((head, i) => {
        const text = cells[i]![line] ?? ''
        const space = ' '.repeat(Math.max(0, widths[i]! - textWidth(text)))
        return head.align === 'right' ? space + text : text + space
      })
      .join(GAP)
      .trimEnd(),
  )
}

function cellLines(text: string, width: number, wrap: boolean): string[] {
  if (textWidth(text) <= width) return [text]
  return wrap ? wrapText(text, width) : [fitText(text, width)]
}

/** Breaks text between words; a word longer than a line stays whole. */
export function wrapText(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const line = lines.at(-1)
    if (line !== undefined && textWidth(line) + 1 + textWidth(word) <= width)
      lines[lines.length - 1] = `${line} ${word}`
    else lines.push(word)
  }
  return lines
}
