import { formatShare } from '../../comparison/numbers.js'
import type { ComparedMethod, Comparison } from '../../comparison/types.js'
import { formatNumber, plainTitle } from '../../evaluation/outputs/index.js'
import { figureStyle, fontFamily, painter, type Role } from '../palette.js'
import { el, type Markup } from '../svg.js'
import { formatTick, linearAxis, logAxis } from '../ticks.js'

const size = { width: 1224, height: 430 }
const frame = { left: 96, top: 20, width: 1040, height: 340 }
const largestRadius = 26

export const seriesRoles: readonly Role[] = ['series0', 'series1', 'series2', 'series3', 'series4', 'series5']

interface Point {
  readonly method: ComparedMethod
  readonly value: number
  readonly sd: number
  readonly role: Role
}

/** The leading metric against multiply-adds; the area of a dot is the number of parameters. Null with one method. */
export function costPlot({ metrics, methods }: Comparison): Markup | null {
  const leading = metrics.find(({ direction }) => direction !== 'none')
  const points = methods.flatMap((method, i): Point[] => {
    const found = method.statistics.find(({ metric }) => metric === leading?.id)
    if (!found || !Number.isFinite(found.mean) || !(method.macs > 0)) return []
    const sd = Number.isFinite(found.sd) ? found.sd : 0
    return [{ method, value: found.mean, sd, role: seriesRoles[i % seriesRoles.length]! }]
  })
  if (!leading || points.length < 2) return null
  const paint = painter('auto')
  const macs = points.map(({ method }) => method.macs / 1e9)
  const xAxis = logAxis(Math.min(...macs) * 0.8, Math.max(...macs) * 1.25)
  const ends = points.flatMap(({ value, sd }) => [value - sd, value + sd])
  const yAxis = linearAxis(
    Math.max(leading.range[0], Math.min(...ends)),
    Math.min(leading.range[1], Math.max(...ends)),
  )
  const x = (value: number) =>
    frame.left + (Math.log(value / xAxis.low) / Math.log(xAxis.high / xAxis.low)) * frame.width
  const y = (value: number) =>
    frame.top + frame.height - ((value - yAxis.low) / (yAxis.high - yAxis.low)) * frame.height
  const most = Math.max(...points.map(({ method }) => method.parameters))
  const bottom = frame.top + frame.height
  const label = { 'font-size': 12, ...paint.fill('muted') }
  const grid = [
    yAxis.ticks.map((tick) => [
      el('path', { d: `M${frame.left} ${y(tick)}h${frame.width}`, ...paint.stroke('rule') }),
      el('text', { x: frame.left - 10, y: y(tick) + 4, 'text-anchor': 'end', ...label }, formatTick(tick)),
    ]),
    xAxis.ticks.map((tick) => [
      el('path', { d: `M${x(tick)} ${frame.top}v${frame.height}`, ...paint.stroke('rule') }),
      el('text', { x: x(tick), y: bottom + 19, 'text-anchor': 'middle', ...label }, formatTick(tick)),
    ]),
    el(
      'text',
      {
        x: frame.left + frame.width / 2,
        y: bottom + 44,
        'text-anchor': 'middle',
        'font-size': 13,
        ...paint.fill('ink'),
      },
      'multiply-adds (G)',
    ),
    el(
      'text',
      {
        transform: `translate(36 ${frame.top + frame.height / 2}) rotate(-90)`,
        'text-anchor': 'middle',
        'font-size': 13,
        ...paint.fill('ink'),
      },
      plainTitle(leading),
    ),
  ]
  const placed: Box[] = []
  // Small dots last, so that none hides under a large one.
  const dots = [...points]
    .sort((a, b) => b.method.parameters - a.method.parameters)
    .map(({ method, value, sd, role }) => {
      const [cx, cy] = [x(method.macs / 1e9), y(value)]
      const radius = Math.max(4, largestRadius * Math.sqrt(method.parameters / most))
      const facts = `${method.name}: ${formatNumber(value)}, ${formatShare(method.macs, 1e9)} G, ${formatShare(method.parameters, 1e6)} M parameters`
      const at = labelPlace(cx, cy, radius, method.name.length * 7.6, placed)
      return [
        sd > 0 &&
          el('path', {
            d: `M${cx} ${y(value - sd)}V${y(value + sd)}`,
            ...paint.stroke(role),
            'stroke-width': 1.6,
          }),
        el(
          'circle',
          { cx, cy, r: radius, 'fill-opacity': 0.35, ...paint.fill(role) },
          el('title', {}, facts),
        ),
        el('circle', { cx, cy, r: 2.6, ...paint.fill(role) }),
        el(
          'text',
          {
            x: at.x,
            y: at.y,
            'font-size': 13.5,
            'font-weight': 600,
            'text-anchor': at.anchor,
            ...paint.fill('ink'),
          },
          method.name,
        ),
      ]
    })
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      ...size,
      viewBox: `0 0 ${size.width} ${size.height}`,
      'font-family': fontFamily,
      role: 'img',
      'aria-label': `${plainTitle(leading)} against multiply-adds of ${points.length} methods`,
    },
    figureStyle('auto'),
    grid,
    dots,
  )
}

interface Box {
  readonly left: number
  readonly right: number
  readonly y: number
}

/** A place for a name beside its dot that is not taken by another name: right, left, then higher. */
function labelPlace(cx: number, cy: number, radius: number, width: number, placed: Box[]) {
  const free = ({ left, right, y }: Box) =>
    left > frame.left &&
    right < size.width - 8 &&
    placed.every((other) => Math.abs(other.y - y) > 15 || other.right < left || other.left > right)
  for (let lift = 0; lift <= 5; lift++) {
    for (const anchor of ['start', 'end'] as const) {
      const at = anchor === 'start' ? cx + radius + 6 : cx - radius - 6
      const y = cy + 4.5 - lift * 16
      const box = {
        left: anchor === 'start' ? at : at - width,
        right: anchor === 'start' ? at + width : at,
        y,
      }
      if (!free(box)) continue
      placed.push(box)
      return { x: at, y, anchor }
    }
  }
  return { x: cx + radius + 6, y: cy + 4.5, anchor: 'start' as const }
}
