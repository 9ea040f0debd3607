import { svg } from '../ui/dom.js'
import { number, steps } from './format.js'
import { linear, logarithmic, type Scale } from './scale.js'
import { nearest, type Points } from './series.js'

export interface Curve {
  readonly name: string
  /** CSS colour and dashes: no curve is told by its colour alone. */
  readonly colour: string
  readonly dash: string
  readonly points: Points
  /** What is drawn strongly; the points themselves lie faint behind it. */
  readonly smooth: readonly number[]
  /** Step that is marked as the best. */
  readonly best?: number
}

export interface ChartContent {
  /** E.g. `Training loss`. */
  readonly title: string
  readonly curves: readonly Curve[]
  readonly log: boolean
  /** Draws single points, where there are few. */
  readonly dots: boolean
}

const HEIGHT = 232
const EDGE = { left: 52, right: 18, top: 12, bottom: 28 } as const

/**
 * A line chart over steps. Its cursor is moved with the pointer or, as a slider, with the keyboard; what stands there is
 * said to screen readers as the slider's value.
 */
export class Chart {
  readonly element = document.createElement('div')
  readonly #plot: SVGElement
  readonly #reading = document.createElement('div')
  #content: ChartContent = { title: '', curves: [], log: false, dots: false }
  #x: Scale = linear(0, 1)
  #y: Scale = linear(0, 1)
  /** Step at the cursor; null while nobody points. */
  #cursor: number | null = null
  #width = 0

  constructor() {
    this.#plot = svg('svg', { 'aria-hidden': 'true', class: 'chart-plot', height: HEIGHT })
    this.#reading.className = 'reading'
    this.#reading.hidden = true
    this.#reading.setAttribute('aria-hidden', 'true')
    const { element } = this
    element.className = 'chart'
    element.tabIndex = 0
    element.setAttribute('role', 'slider')
    element.append(this.#plot, this.#reading)
    element.onpointermove = ({ clientX }) => this.#point(this.#stepAt(clientX))
    element.onpointerdown = ({ clientX }) => this.#point(this.#stepAt(clientX))
    element.onpointerleave = () => this.#point(document.activeElement === element ? this.#cursor : null)
    element.onkeydown = (event) => this.#key(event)
    element.onblur = () => this.#point(null)
    new ResizeObserver(([entry]) => {
      this.#width = Math.floor(entry!.contentRect.width)
      this.#draw()
    }).observe(element)
  }

  /** Keeps copies: points that come later have no smooth value yet when the width changes. */
  show(content: ChartContent): void {
    const curves = content.curves.map((curve) => ({
      ...curve,
      points: { x: [...curve.points.x], y: [...curve.points.y] },
    }))
    this.#content = { ...content, curves }
    this.#draw()
  }

  #stepAt(clientX: number): number {
    const { left } = this.#plot.getBoundingClientRect()
    const share = (clientX - left - EDGE.left) / Math.max(1, this.#width - EDGE.left - EDGE.right)
    return this.#x.low + Math.min(1, Math.max(0, share)) * (this.#x.high - this.#x.low)
  }

  #key(event: KeyboardEvent): void {
    const all = this.#steps
    if (all.length === 0) return
    const at = this.#cursor === null ? all.length - 1 : nearest({ x: all, y: all }, this.#cursor)
    const page = Math.max(1, Math.round(all.length / 10))
    const moves: Readonly<Record<string, number>> = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - page,
      PageUp: at + page,
      Home: 0,
      End: all.length - 1,
    }
    const to = moves[event.key]
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    this.#point(all[Math.min(all.length - 1, Math.max(0, to))]!)
  }

  /** Steps of the curve with the most points: what the keyboard stops at. */
  get #steps(): readonly number[] {
    return this.#content.curves.reduce<readonly number[]>(
      (most, { points }) => (points.x.length > most.length ? points.x : most),
      [],
    )
  }

  #point(step: number | null): void {
    this.#cursor = step
    this.#mark()
  }

  #draw(): void {
    const { curves, log, title } = this.#content
    if (this.#width < 80) return
    const drawn = curves.filter(({ points }) => points.x.length > 0)
    const ends = drawn.flatMap(({ points }) => [points.x[0]!, points.x.at(-1)!])
    const [first, last] = ends.length > 0 ? [Math.min(...ends), Math.max(...ends)] : [0, 1]
    const count = Math.max(2, Math.floor(this.#width / 110))
    this.#x = exact(linear(first, Math.max(last, first + 1), count), first, Math.max(last, first + 1))
    this.#y = verticalScale(drawn, log)
    const parts: SVGElement[] = []
    for (const tick of this.#y.ticks) {
      const y = this.#py(tick)
      parts.push(svg('line', { class: 'grid', x1: EDGE.left, x2: this.#width - EDGE.right, y1: y, y2: y }))
      parts.push(svg('text', { x: EDGE.left - 8, y: y + 4, 'text-anchor': 'end' }, number(tick)))
    }
    for (const tick of this.#x.ticks) {
      const x = this.#px(tick)
      // The last one would stick out.
      const edge = x > this.#width - 40
      const place = { x: edge ? this.#width - 2 : x, y: HEIGHT - 8, 'text-anchor': edge ? 'end' : 'middle' }
      parts.push(svg('text', place, steps(tick)))
    }
    for (const curve of drawn) parts.push(...this.#curve(curve))
    parts.push(svg('g', { class: 'cursor' }))
    this.#plot.setAttribute('width', String(this.#width))
    this.#plot.setAttribute('viewBox', `0 0 ${this.#width} ${HEIGHT}`)
    this.#plot.replaceChildren(...parts)
    this.element.setAttribute('aria-label', `${title} by step`)
    this.element.setAttribute('aria-valuemin', String(first))
    this.element.setAttribute('aria-valuemax', String(last))
    this.#mark()
  }

  #curve({ points, smooth, colour, dash, best }: Curve): SVGElement[] {
    const line = (y: readonly number[]) =>
      points.x.map((x, i) => `${this.#px(x).toFixed(1)},${this.#py(y[i]!).toFixed(1)}`).join(' ')
    const parts: SVGElement[] = []
    const faint = smooth.some((value, i) => value !== points.y[i])
    if (faint) parts.push(svg('polyline', { class: 'raw', points: line(points.y), stroke: colour }))
    parts.push(
      svg('polyline', { class: 'line', points: line(smooth), stroke: colour, 'stroke-dasharray': dash }),
    )
    if (this.#content.dots && points.x.length <= 60) {
      for (const [i, x] of points.x.entries())
        parts.push(svg('circle', { cx: this.#px(x), cy: this.#py(points.y[i]!), r: 2.5, fill: colour }))
    }
    const at = best === undefined ? -1 : points.x.indexOf(best)
    if (at >= 0) {
      const [x, y] = [this.#px(best!), this.#py(points.y[at]!)]
      const left = x > this.#width - 110
      const text = {
        x: left ? x - 10 : x + 10,
        y: y < 30 ? y + 18 : y - 9,
        'text-anchor': left ? 'end' : 'start',
      }
      parts.push(svg('circle', { class: 'best', cx: x, cy: y, r: 6, stroke: colour }))
      parts.push(svg('text', { class: 'best-label', ...text }, `best ${number(points.y[at])}`))
    }
    return parts
  }

  #mark(): void {
    const group = this.#plot.querySelector('.cursor')
    if (!group) return
    const { curves } = this.#content
    const at = this.#cursor
    const found = curves.map((curve) => ({ curve, i: nearest(curve.points, at ?? Number.POSITIVE_INFINITY) }))
    const some = found.filter(({ i }) => i >= 0)
    const step = some.length > 0 ? some[0]!.curve.points.x[some[0]!.i]! : 0
    const values = some.map(({ curve, i }) => ({
      curve,
      x: curve.points.x[i]!,
      y: curve.points.y[i]!,
      smooth: curve.smooth[i]!,
    }))
    const spoken = values
      .map(({ curve, x, y }) => `${curve.name}: ${number(y)} at step ${steps(x)}`)
      .join('; ')
    this.element.setAttribute('aria-valuenow', String(step))
    this.element.setAttribute('aria-valuetext', spoken || 'nothing yet')
    this.#reading.hidden = at === null || some.length === 0
    if (at === null || some.length === 0) {
      group.replaceChildren()
      return
    }
    const x = this.#px(values[0]!.x)
    group.replaceChildren(
      svg('line', { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      ...values.map((each) =>
        svg('circle', { cx: this.#px(each.x), cy: this.#py(each.smooth), r: 4, fill: each.curve.colour }),
      ),
    )
    this.#reading.replaceChildren(
      `Step ${steps(values[0]!.x)}`,
      ...values.map(({ curve, y }) => {
        const row = document.createElement('span')
        row.append(
          swatch(curve),
          curves.length > 1 ? `${curve.name} ` : '',
          Object.assign(document.createElement('b'), { textContent: number(y) }),
        )
        return row
      }),
    )
    const right = x < this.#width / 2
    this.#reading.style.left = right ? `${x + 12}px` : ''
    this.#reading.style.right = right ? '' : `${this.#width - x + 12}px`
  }

  #px(value: number): number {
    return EDGE.left + this.#x.at(value) * (this.#width - EDGE.left - EDGE.right)
  }

  #py(value: number): number {
    const share = Math.min(1.05, Math.max(-0.05, this.#y.at(value)))
    return HEIGHT - EDGE.bottom - share * (HEIGHT - EDGE.bottom - EDGE.top)
  }
}

/** The line of a curve, for keys. */
export function swatch({ colour, dash }: Pick<Curve, 'colour' | 'dash'>): SVGElement {
  const line = { x1: 1, x2: 23, y1: 5, y2: 5, stroke: colour, 'stroke-dasharray': dash }
  return svg('svg', { class: 'swatch', viewBox: '0 0 24 10', 'aria-hidden': 'true' }, svg('line', line))
}

/** An axis that ends at the data, with the round values inside it. */
function exact(scale: Scale, low: number, high: number): Scale {
  const ticks = scale.ticks.filter((tick) => tick >= low && tick <= high && Number.isInteger(tick))
  return { ...scale, low, high, ticks, at: (value) => (value - low) / (high - low) }
}

/** Single spikes of the raw values may leave the picture; the smoothed curve never does. */
function verticalScale(curves: readonly Curve[], log: boolean): Scale {
  const usable = (value: number) => Number.isFinite(value) && (!log || value > 0)
  const strong = curves.flatMap(({ smooth }) => smooth.filter(usable))
  const raw = curves.flatMap(({ points }) => points.y.filter(usable)).sort((a, b) => a - b)
  if (strong.length === 0 || raw.length === 0) return log ? logarithmic(0.1, 1) : linear(0, 1)
  let low = raw[Math.floor(0.01 * (raw.length - 1))]!
  let high = raw[Math.ceil(0.99 * (raw.length - 1))]!
  for (const value of strong) {
    if (value < low) low = value
    if (value > high) high = value
  }
  return log ? logarithmic(low, high) : linear(low, high, 4)
}
