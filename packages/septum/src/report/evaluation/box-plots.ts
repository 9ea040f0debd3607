import { boxStatistics, type MetricEntry } from '@septum/core'
import { inMillimetres, metricTitle } from '../../evaluation/outputs/index.js'
import type { Evaluation } from '../../evaluation/types.js'
import { figureStyle, fontFamily, type Painter, painter, type Role } from '../palette.js'
import { type Child, el, type Markup } from '../svg.js'
import { type Axis, formatTick, linearAxis } from '../ticks.js'

const panelWidth = 600
const gap = 36
const rowHeight = 34
const labelWidth = 150
const top = 30
const bottom = 34

/** One line of a plot: a method, or a class of the only method. */
interface Line {
  readonly label: string
  readonly role: Role
  readonly points: readonly { readonly name: string; readonly value: number }[]
}

/**
 * A box plot for each metric: the box holds the middle half of the cases, its line is the median, whiskers
 * reach 1.5 box lengths, every case is a dot with its name as tooltip. Two panels in a row.
 */
export function boxPlots(evaluation: Evaluation): Markup {
  const paint = painter('auto')
  const panels = evaluation.metrics.map((entry) => ({ entry, lines: linesOf(evaluation, entry) }))
  const across = Math.min(2, panels.length)
  const height = top + Math.max(...panels.map(({ lines }) => lines.length)) * rowHeight + bottom
  const rows = Math.ceil(panels.length / across)
  const size = { width: across * panelWidth + (across - 1) * gap + 72, height: rows * (height + 14) + 8 }
  const drawn = panels.map(({ entry, lines }, i) => {
    const place = `translate(${36 + (i % across) * (panelWidth + gap)} ${Math.floor(i / across) * (height + 14) + 8})`
    return el('g', { transform: place }, panel(paint, evaluation, entry, lines))
  })
  const summary = `Box plots of ${evaluation.metrics.map(({ title }) => title).join(', ')} over ${evaluation.cases} cases.`
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      ...size,
      viewBox: `0 0 ${size.width} ${size.height}`,
      'font-family': fontFamily,
      role: 'img',
      'aria-label': summary,
    },
    figureStyle('auto'),
    drawn,
  )
}

const roles: readonly Role[] = ['series0', 'series1', 'series2', 'series3', 'series4', 'series5']

function linesOf({ methods, classes, perCase }: Evaluation, { id }: MetricEntry): Line[] {
  const byClass = methods.length === 1 && classes.length > 1
  const several = methods.length > 1 && classes.length > 1
  const keys = byClass ? classes : methods
  return keys.map((label, i): Line => {
    const own = perCase.filter((score) => (byClass ? score.class : score.method) === label)
    const points = several
      ? meanOfClasses(own, id)
      : own.map((one) => ({ name: one.case, value: one.values[id]! }))
    return {
      label,
      role: roles[i % roles.length]!,
      points: points.filter(({ value }) => Number.isFinite(value)),
    }
  })
}

/** Several methods with several classes: a dot is the mean of a case over its classes. */
function meanOfClasses(scores: Evaluation['perCase'], id: string) {
  const byCase = new Map<string, number[]>()
  for (const { case: name, values } of scores) {
    if (Number.isFinite(values[id]!)) byCase.set(name, [...(byCase.get(name) ?? []), values[id]!])
  }
  return [...byCase].map(([name, list]) => ({ name, value: list.reduce((a, b) => a + b, 0) / list.length }))
}

function panel(paint: Painter, evaluation: Evaluation, entry: MetricEntry, lines: readonly Line[]): Child {
  const heading = el(
    'text',
    { x: 0, y: 14, 'font-size': 14.5, 'font-weight': 700, ...paint.fill('ink') },
    metricTitle(entry, inMillimetres(evaluation)),
    el(
      'tspan',
      { 'font-weight': 400, ...paint.fill('muted') },
      { higher: '\u2002higher is better', lower: '\u2002lower is better', none: '' }[entry.direction],
    ),
  )
  const values = lines.flatMap(({ points }) => points.map(({ value }) => value))
  if (values.length === 0) {
    const note = { x: 0, y: 40, 'font-size': 12.5, ...paint.fill('muted') }
    return [heading, el('text', note, 'No case has a value.')]
  }
  const axis = axisOf(values, entry)
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
  return [heading, ticks, lines.map((line, i) => box(paint, line, x, top + i * rowHeight))]
}

function axisOf(values: readonly number[], { range }: MetricEntry): Axis {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  // Scores between 0 and 1 keep their whole range: a plot must not make small differences look large.
  if (range[0] === 0 && range[1] >= 1 && range[1] < 1.2 && Math.max(...values) <= 1)
    return linearAxis(0, 1, 6)
  return linearAxis(Math.max(range[0], Math.min(low, 0)), high, 6)
}

const mostDots = 400

function box(paint: Painter, { label, role, points }: Line, x: (value: number) => number, y: number): Child {
  const middle = y + rowHeight / 2
  const name = label.length > 22 ? `${label.slice(0, 21)}…` : label
  const heading = el(
    'text',
    { x: 0, y: middle + 4.5, 'font-size': 13, ...paint.fill('ink') },
    name !== label && el('title', {}, label),
    name,
  )
  if (points.length === 0) return heading
  const { q1, median, q3, low, high, outliers } = boxStatistics(points.map(({ value }) => value))
  // Of very many cases only those beyond the whiskers are dots.
  const shown = points.length <= mostDots ? points.map((_, i) => i) : outliers
  const dots = shown.map((i) =>
    el(
      'circle',
      {
        cx: x(points[i]!.value),
        // The golden ratio spreads dots evenly and the same way each time.
        cy: middle + (((i * 0.618034) % 1) - 0.5) * (rowHeight - 12),
        r: 2.3,
        'fill-opacity': 0.38,
        ...paint.fill(role),
      },
      el('title', {}, `${points[i]!.name}: ${Number(points[i]!.value.toPrecision(4))}`),
    ),
  )
  const stroke = { ...paint.stroke(role), 'stroke-width': 1.6 }
  return [
    heading,
    dots,
    el('path', { d: `M${x(low)} ${middle}H${x(q1)}M${x(q3)} ${middle}H${x(high)}`, ...stroke }),
    el('path', { d: `M${x(low)} ${middle - 5}v10M${x(high)} ${middle - 5}v10`, ...stroke }),
    el('rect', {
      x: x(q1),
      y: middle - 9,
      width: Math.max(1, x(q3) - x(q1)),
      height: 18,
      rx: 2,
      'fill-opacity': 0.16,
      ...paint.fill(role),
    }),
    el('rect', { x: x(q1), y: middle - 9, width: Math.max(1, x(q3) - x(q1)), height: 18, rx: 2, ...stroke }),
    el('path', { d: `M${x(median)} ${middle - 9}v18`, ...paint.stroke(role), 'stroke-width': 3.2 }),
  ]
}
