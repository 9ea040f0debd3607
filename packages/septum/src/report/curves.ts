import { figureStyle, fontFamily, type Painter, painter, type Role, type Theme } from './palette.js'
import { el, formatCoordinate, type Markup } from './svg.js'
import { type Axis, formatTick, linearAxis, logAxis } from './ticks.js'

/** One line: its points in the order of x; a y that is not finite breaks the line. */
export interface Curve {
  readonly name: string
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
}

export interface CurvePanel {
  readonly title: string
  readonly xLabel?: string
  readonly yLabel?: string
  /** `log` leaves out values that are not positive. Default `linear`. */
  readonly yScale?: 'linear' | 'log'
  readonly curves: readonly Curve[]
  /** Points over which each line is averaged; the raw line stays faint. Default 1: raw. */
  readonly smooth?: number
}

export interface CurvesFigure {
  /** Panels side by side, two in a row. */
  readonly panels: readonly CurvePanel[]
  readonly theme?: Theme
}

interface Frame {
  readonly paint: Painter
  readonly left: number
  readonly top: number
  readonly width: number
  readonly height: number
}

const panelWidth = 540
const panelHeight = 300
const margin = 36
const topMargin = 14

/** Line charts, e.g. losses over optimiser steps with one panel for each phase, as an SVG document. */
export function renderCurves(figure: CurvesFigure): string {
  const { panels, theme = 'auto' } = figure
  const paint = painter(theme)
  const across = Math.min(2, Math.max(1, panels.length))
  const width = 2 * margin + across * panelWidth + (across - 1) * margin
  const height = topMargin + Math.ceil(panels.length / across) * (panelHeight + margin)
  const drawn = panels.map((panel, i) => {
    const x = margin + (i % across) * (panelWidth + margin)
    const y = topMargin + Math.floor(i / across) * (panelHeight + margin)
    return el('g', { transform: `translate(${x} ${y})` }, drawPanel(paint, panel))
  })
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      'font-family': fontFamily,
      role: 'img',
      'aria-label': panels.map(describe).join(' '),
    },
    figureStyle(theme),
    el('rect', { width, height, ...paint.fill('paper') }),
    drawn,
  ).toString()
}

function drawPanel(paint: Painter, panel: CurvePanel): Markup[] {
  const log = panel.yScale === 'log'
  const frame: Frame = { paint, left: 52, top: 56, width: panelWidth - 60, height: panelHeight - 104 }
  const usable = (y: number) => Number.isFinite(y) && (!log || y > 0)
  const all = panel.curves.flatMap((curve) => {
    return Array.from(curve.y, (y, i) => ({ x: curve.x[i]!, y })).filter(({ y }) => usable(y))
  })
  const title = el(
    'text',
    { x: 0, y: 14, 'font-size': 14.5, 'font-weight': 700, ...paint.fill('ink') },
    panel.title,
  )
  if (all.length === 0) return [title, label(paint, 0, 40, 'No values were recorded.', 'start')]
  const [xLow, xHigh] = range(all.map(({ x }) => x))
  const [yLow, yHigh] = range(all.map(({ y }) => y))
  const xAxis = { ...linearAxis(xLow, xHigh, 6), low: xLow, high: xHigh > xLow ? xHigh : xLow + 1 }
  const yAxis = log ? logAxis(yLow, yHigh) : linearAxis(yLow, yHigh, 5)
  const along = (value: number) => (log ? Math.log10(value) : value)
  const toX = (x: number) => frame.left + ((x - xAxis.low) / (xAxis.high - xAxis.low)) * frame.width
  const toY = (y: number) => {
    const share = (along(y) - along(yAxis.low)) / (along(yAxis.high) - along(yAxis.low))
    return frame.top + (1 - share) * frame.height
  }
  const lines = panel.curves.map((curve, i) => {
    const stroke = { ...paint.stroke(seriesRole(i)), 'stroke-linejoin': 'round' }
    const draw = (y: ArrayLike<number>) =>
      linePath(curve.x, y, toX, (value) => (usable(value) ? toY(value) : null))
    const smooth = panel.smooth ?? 1
    if (smooth <= 1) return el('path', { d: draw(curve.y), ...stroke, 'stroke-width': 1.8 })
    return el(
      'g',
      {},
      el('path', { d: draw(curve.y), ...stroke, 'stroke-width': 1, 'stroke-opacity': 0.22 }),
      el('path', { d: draw(smoothed(curve.y, smooth)), ...stroke, 'stroke-width': 2 }),
    )
  })
  return [
    title,
    legend(paint, panel),
    axes(frame, panel, xAxis, yAxis, toX, toY),
    el('g', { 'stroke-linecap': 'round' }, lines),
  ]
}

function axes(
  frame: Frame,
  panel: CurvePanel,
  xAxis: Axis,
  yAxis: Axis,
  toX: (x: number) => number,
  toY: (y: number) => number,
): Markup {
  const { paint, left, top, width, height } = frame
  const bottom = top + height
  const xTicks = xAxis.ticks.filter((tick) => tick >= xAxis.low && tick <= xAxis.high)
  return el(
    'g',
    {},
    yAxis.ticks.map((tick) => [
      el('path', { d: `M${left} ${formatCoordinate(toY(tick))}h${width}`, ...paint.stroke('rule') }),
      label(paint, left - 8, toY(tick) + 4, formatTick(tick), 'end'),
    ]),
    xTicks.map((tick) => [
      el('path', { d: `M${formatCoordinate(toX(tick))} ${bottom}v4`, ...paint.stroke('muted') }),
      label(paint, toX(tick), bottom + 18, formatTick(tick), 'middle'),
    ]),
    el('path', { d: `M${left} ${bottom}h${width}`, ...paint.stroke('muted') }),
    label(paint, left + width, bottom + 36, panel.xLabel ?? 'step', 'end'),
    panel.yLabel && label(paint, left, bottom + 36, panel.yLabel, 'start'),
  )
}

function legend(paint: Painter, panel: CurvePanel): Markup {
  let x = 0
  const entries = panel.curves.map((curve, i) => {
    const at = x
    // DejaVu Sans needs about 0.62 em for a character; names are cut so that a long one cannot push others out.
    const name = curve.name.length > 28 ? `${curve.name.slice(0, 27)}\u2026` : curve.name
    x += 22 + name.length * 7.2 + 16
    return [
      el('path', { d: `M${formatCoordinate(at)} 34h16`, ...paint.stroke(seriesRole(i)), 'stroke-width': 3 }),
      label(paint, at + 22, 38, name, 'start'),
    ]
  })
  return el('g', {}, entries)
}

function label(paint: Painter, x: number, y: number, words: string, anchor: string): Markup {
  return el('text', { x, y, 'font-size': 11.5, 'text-anchor': anchor, ...paint.fill('muted') }, words)
}

const seriesRole = (index: number) => `series${index % 6}` as Role

function range(values: readonly number[]): [number, number] {
  return values.reduce<[number, number]>(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  )
}

/**
 * Mean over a window around each point; unlike an exponential mean it does not trail behind a falling loss.
 * The window opens from the first point, which stays exact, and is cut off at the last one, so that the end
 * of the line is no single noisy value. Values not finite are left out.
 */
export function smoothed(values: ArrayLike<number>, points: number): number[] {
  const half = Math.floor(points / 2)
  return Array.from(values, (value, i) => {
    if (!Number.isFinite(value)) return Number.NaN
    const reach = Math.min(half, i)
    const last = Math.min(i + reach, values.length - 1)
    let [sum, count] = [0, 0]
    for (let j = i - reach; j <= last; j++) {
      if (!Number.isFinite(values[j])) continue
      sum += values[j]!
      count++
    }
    return sum / count
  })
}

/** Path through the points; of many points in half a unit of width only the first, extremes and last are drawn. */
function linePath(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  toX: (x: number) => number,
  toY: (y: number) => number | null,
): string {
  const columns: { at: number; ys: number[] }[] = []
  const paths: string[] = []
  const flush = () => {
    const points = columns.splice(0).flatMap(({ at, ys }) => {
      const kept = ys.length <= 2 ? ys : [ys[0]!, Math.min(...ys), Math.max(...ys), ys.at(-1)!]
      return kept.map((value) => `${formatCoordinate(at)} ${formatCoordinate(value)}`)
    })
    // A lone point is drawn as a dot: a line of no length with round ends.
    if (points.length)
      paths.push(`M${points.length === 1 ? [points[0], points[0]].join('L') : points.join('L')}`)
  }
  for (let i = 0; i < y.length; i++) {
    const height = toY(y[i]!)
    if (height === null) {
      flush()
      continue
    }
    const at = Math.round(toX(x[i]!) * 2) / 2
    const last = columns.at(-1)
    if (last && last.at === at) last.ys.push(height)
    else columns.push({ at, ys: [height] })
  }
  flush()
  return paths.join('')
}

function describe(panel: CurvePanel): string {
  const ends = panel.curves.map(({ name, y }) => {
    const values = Array.from(y).filter(Number.isFinite)
    return values.length
      ? `${name} from ${formatTick(values[0]!)} to ${formatTick(values.at(-1)!)}`
      : `${name} empty`
  })
  return `${panel.title}: ${ends.join(', ')}.`
}
