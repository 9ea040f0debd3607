import { SeptumError } from '@septum/core'
import { checkCase, type HypothesisCase } from './cases.js'
import { type Column, figureColumns, tileSide } from './columns.js'
import { figureStyle, fontFamily, type Painter, painter, type Theme } from './palette.js'
import { el, type Markup } from './svg.js'

export interface HypothesesFigure {
  readonly cases: readonly HypothesisCase[]
  readonly title?: string
  readonly subtitle?: string
  /** Heading of the first column. Default `Image`. */
  readonly imageName?: string
  /** What the uncertainty is. Default `entropy of the vote`. */
  readonly uncertaintyName?: string
  /** Unit of the uncertainty, whose colour bar runs from 0 to 1. Default `bit`. */
  readonly uncertaintyUnit?: string
  /** Samples drawn at most for one case. Default 16. */
  readonly sampleLimit?: number
  /** `auto` is light and follows the reader's preference in a browser; a PNG of it is light. Default `auto`. */
  readonly theme?: Theme
}

const margin = 36
const columnGap = 20
const rowHeading = 30
const rowGap = 26

/**
 * The figure of several hypotheses: one row per case with the image, the raters' outlines, one mask from
 * coarse to fine, samples, consensus and uncertainty, and the numbers of the case.
 *
 * @returns a self-contained SVG document (images inside, fonts by name).
 * @throws SeptumError `figure-empty` without cases, `figure-size` and `figure-crop` when a map or crop does not fit.
 */
export async function renderHypothesesFigure(figure: HypothesesFigure): Promise<string> {
  const { cases, title, subtitle, theme = 'auto' } = figure
  if (cases.length === 0) {
    throw new SeptumError('figure-empty', 'There is no case to draw', 'Give at least one case.')
  }
  cases.forEach(checkCase)
  const paint = painter(theme)
  const columns = figureColumns({
    paint,
    cases,
    imageName: figure.imageName ?? 'Image',
    uncertaintyName: figure.uncertaintyName ?? 'entropy of the vote',
    uncertaintyUnit: figure.uncertaintyUnit ?? 'bit',
    sampleLimit: figure.sampleLimit ?? 16,
  })
  const lefts = columns.map((_, i) =>
    columns.slice(0, i).reduce((x, column) => x + column.width + columnGap, margin),
  )
  const width = lefts.at(-1)! + columns.at(-1)!.width + margin
  // In a page that has a heading of its own the figure starts close below it.
  const headingTop = title || subtitle ? margin + (title ? 30 : 0) + (subtitle ? 24 : 0) + 16 : 12
  const rowsTop = headingTop + 50
  const rowHeight = rowHeading + tileSide + rowGap
  const legendTop = rowsTop + cases.length * rowHeight - 6
  const height = legendTop + legendHeight(cases) + margin - 8
  const room = width - 2 * margin
  const rows = cases.map((item, i) => caseRow(paint, columns, lefts, width, rowsTop + i * rowHeight, item))
  const summary = `One row for each of ${cases.length} cases: ${columns.map((c) => c.title.toLowerCase()).join(', ')}.`
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      'font-family': fontFamily,
      role: 'img',
      'aria-label': [title, summary].filter(Boolean).join('. '),
    },
    figureStyle(theme),
    el('rect', { width, height, ...paint.fill('paper') }),
    title && text(paint, margin, margin + 16, 22, title, { weight: 700, room }),
    subtitle && text(paint, margin, margin + (title ? 42 : 14), 13.5, subtitle, { role: 'muted', room }),
    columns.map((column, i) => columnHeading(paint, column, lefts[i]!, headingTop)),
    await Promise.all(rows),
    columns.map((column, i) =>
      el('g', { transform: `translate(${lefts[i]} ${legendTop})` }, column.legend?.()),
    ),
  ).toString()
}

function legendHeight(cases: readonly HypothesisCase[]): number {
  const raters = Math.max(...cases.map((item) => item.raters.length))
  return Math.max(28, Math.ceil(raters / 2) * 18)
}

function columnHeading(paint: Painter, column: Column, x: number, top: number): Markup[] {
  return [
    text(paint, x, top + 13, 14.5, column.title, { weight: 700, room: column.width + columnGap }),
    text(paint, x, top + 31, 11.5, column.subtitle, { role: 'muted', room: column.width + columnGap }),
  ]
}

async function caseRow(
  paint: Painter,
  columns: readonly Column[],
  lefts: readonly number[],
  width: number,
  top: number,
  item: HypothesisCase,
): Promise<Markup> {
  const drawn = columns.map(async (column, i) =>
    el('g', { transform: `translate(${lefts[i]} ${top + rowHeading})` }, await column.draw(item)),
  )
  // Spaces that XML keeps, because renderers disagree whether `dx` counts for right-aligned text.
  const scores = Object.entries(item.scores).flatMap(([name, value], i) => [
    el('tspan', paint.fill('muted'), `${i ? '\u2003' : ''}${name}\u2002`),
    el('tspan', { ...paint.fill('ink'), 'font-weight': 700 }, formatScore(value)),
  ])
  const scoreRoom = Object.keys(item.scores).reduce((room, name) => room + 9 * (name.length + 7), 20)
  return el(
    'g',
    {},
    el('path', { d: `M${margin} ${top - 3.5}H${width - margin}`, ...paint.stroke('rule') }),
    text(paint, margin, top + 18, 13, item.name, { weight: 700, room: width - 2 * margin - scoreRoom }),
    el('text', { x: width - margin, y: top + 18, 'font-size': 13, 'text-anchor': 'end' }, scores),
    await Promise.all(drawn),
  )
}

/** Three decimals; a dash for a number that this case does not have. */
export function formatScore(value: number): string {
  return Number.isFinite(value) ? value.toFixed(3) : '\u2013'
}

interface TextStyle {
  readonly role?: 'ink' | 'muted'
  readonly weight?: number
  /** Width in which the text must fit; where it does not it is cut, and the whole text is its tooltip. */
  readonly room: number
}

function text(paint: Painter, x: number, y: number, size: number, words: string, style: TextStyle): Markup {
  const { role = 'ink', weight, room } = style
  // Mean width of a character of DejaVu Sans, the widest of the faces that may be used.
  const limit = Math.max(8, Math.floor(room / (size * (weight ? 0.66 : 0.57))))
  const characters = [...words]
  const cut = characters.length > limit
  const shown = cut ? `${characters.slice(0, limit - 1).join('')}\u2026` : words
  const attributes = { x, y, 'font-size': size, 'font-weight': weight, ...paint.fill(role) }
  return el('text', attributes, cut && el('title', {}, words), shown)
}
