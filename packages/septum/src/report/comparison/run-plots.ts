import type { MetricEntry } from '@septum/core'
import type { ComparedRun, Comparison } from '../../comparison/types.js'
import { formatNumber, inMillimetres, metricTitle } from '../../evaluation/outputs/index.js'
import { figureStyle, fontFamily, type Painter, painter } from '../palette.js'
import { type Child, el, type Markup } from '../svg.js'
import { formatTick, linearAxis } from '../ticks.js'
import { seriesRoles } from './cost-plot.js'

const panelWidth = 600
const gap = 36
const rowHeight = 30
const labelWidth = 150
const top = 30
const bottom = 34

/** A panel for each metric: the mean of every run as a dot, folds and seeds in order. Null with one run a method. */
export function runPlots(comparison: Comparison): Markup | null {
  const { runs, methods, metrics, evaluation } = comparison
  if (!methods.some(({ finished }) => finished > 1)) return null
  const shown = methods.filter(({ finished }) => finished > 0)
  const paint = painter('auto')
  const across = Math.min(2, metrics.length)
  const height = top + shown.length * rowHeight + bottom
  const rows = Math.ceil(metrics.length / across)
  const size = { width: across * panelWidth + (across - 1) * gap + 72, height: rows * (height + 14) + 8 }
  const millimetres = evaluation !== null && inMillimetres(evaluation)
  const panels = metrics.map((entry, i) => {
    const place = `translate(${36 + (i % across) * (panelWidth + gap)} ${Math.floor(i / across) * (height + 14) + 8})`
    const lines = shown.map(({ name }) => ({ name, runs: runs.filter((run) => run.entry === name) }))
    return el('g', { transform: place }, panel(paint, entry, metricTitle(entry, millimetres), lines))
  })
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      ...size,
      viewBox: `0 0 ${size.width} ${size.height}`,
      'font-family': fontFamily,
      role: 'img',
      'aria-label': `Mean of every run in ${metrics.length} metrics`,
    },
    figureStyle('auto'),
    panels,
  )
}

interface Line {
  readonly name: string
  readonly runs: readonly ComparedRun[]
}

function panel(paint: Painter, entry: MetricEntry, title: string, lines: readonly Line[]): Child {
  const arrow = { higher: '\u2002higher is better', lower: '\u2002lower is better', none: '' }[
    entry.direction
  ]
  const heading = el(
    'text',
    { x: 0, y: 14, 'font-size': 14.5, 'font-weight': 700, ...paint.fill('ink') },
    title,
    el('tspan', { 'font-weight': 400, ...paint.fill('muted') }, arrow),
  )
  const meanOf = (run: ComparedRun) => run.means[entry.id] ?? Number.NaN
  const values = lines.flatMap(({ runs }) => runs.map(meanOf)).filter(Number.isFinite)
  if (values.length === 0) {
    const note = { x: 0, y: 40, 'font-size': 12.5, ...paint.fill('muted') }
    return [heading, el('text', note, 'No run has a value.')]
  }
  const axis = linearAxis(Math.min(...values), Math.max(...values), 6)
  const x = (value: number) =>
    labelWidth + ((value - axis.low) / (axis.high - axis.low)) * (panelWidth - labelWidth - 14)
  const end = top + lines.length * rowHeight
  const ticks = axis.ticks.map((tick) => [
    el('path', { d: `M${x(tick)} ${top}V${end}`, ...paint.stroke('rule') }),
    el(
      'text',
      { x: x(tick), y: end + 17, 'font-size': 12, 'text-anchor': 'middle', ...paint.fill('muted') },
      formatTick(tick),
    ),
  ])
  const drawn = lines.map(({ name, runs }, i) => {
    const role = seriesRoles[i % seriesRoles.length]!
    const finite = runs.filter((run) => Number.isFinite(meanOf(run)))
    const mean = finite.reduce((sum, run) => sum + meanOf(run), 0) / finite.length
    const from = top + i * rowHeight
    const short = name.length > 20 ? `${name.slice(0, 19)}…` : name
    return [
      el('text', { x: 0, y: from + rowHeight / 2 + 4.5, 'font-size': 13, ...paint.fill('ink') }, short),
      finite.map((run, r) =>
        el(
          'circle',
          {
            cx: x(meanOf(run)),
            cy: from + rowHeight * (0.5 + 0.6 * ((r + 0.5) / finite.length - 0.5)),
            r: 3.4,
            'fill-opacity': 0.6,
            ...paint.fill(role),
          },
          el('title', {}, `${name}, ${run.name}: ${formatNumber(meanOf(run))}`),
        ),
      ),
      Number.isFinite(mean) &&
        el('path', {
          d: `M${x(mean)} ${from + 5}v${rowHeight - 10}`,
          ...paint.stroke(role),
          'stroke-width': 2.4,
        }),
    ]
  })
  return [heading, ticks, drawn]
}
