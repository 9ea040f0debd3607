import { type Child, el, type Markup, markup } from './svg.js'

/** A mean and its 95 % interval. */
export interface Estimate {
  readonly mean: number
  readonly low: number
  readonly high: number
}

export interface Metric {
  readonly name: string
  /** null: neither side is better, and nobody wins. */
  readonly better: 'higher' | 'lower' | null
  /** One line for a reader who does not know it. */
  readonly explanation?: string
}

export interface ResultRow {
  readonly name: string
  /** True for what is no competitor, such as the raters themselves; it is shown apart and never best. */
  readonly reference?: boolean
  /** By metric name; a metric that a method cannot have is left out. */
  readonly values: Readonly<Record<string, Estimate>>
}

export interface Results {
  readonly caption: string
  readonly metrics: readonly Metric[]
  readonly rows: readonly ResultRow[]
  /** False where the rows are no rivals, e.g. the classes of one method: nothing is bold. Default true. */
  readonly rivals?: boolean
  /** What the rows are. Default `Method`. */
  readonly rowTitle?: string
}

/**
 * The row that is best in a metric beyond doubt: its interval overlaps that of no other competitor.
 * @returns its index in `rows`, or -1 where there is none or fewer than two compete.
 */
export function clearWinner(rows: readonly ResultRow[], metric: Metric): number {
  if (metric.better === null) return -1
  const sign = metric.better === 'higher' ? 1 : -1
  const rivals = rows.flatMap((row, index) => {
    const value = row.values[metric.name]
    if (row.reference || !value || ![value.mean, value.low, value.high].every(Number.isFinite)) return []
    const [worst, best] = sign > 0 ? [value.low, value.high] : [-value.high, -value.low]
    return [{ index, mean: sign * value.mean, worst, best }]
  })
  if (rivals.length < 2) return -1
  const first = rivals.reduce((a, b) => (b.mean > a.mean ? b : a))
  return rivals.every((rival) => rival === first || rival.best < first.worst) ? first.index : -1
}

/** The table of methods and metrics, each number with its interval written and drawn. */
export function resultsTable(results: Results): Markup {
  const { metrics, rows, caption, rivals = true, rowTitle = 'Method' } = results
  const winners = metrics.map((metric) => (rivals ? clearWinner(rows, metric) : -1))
  const spans = metrics.map((metric) => metricSpan(rows, metric))
  const body = rows.map((row, r) => {
    const cells = metrics.map((metric, m) =>
      estimateCell(row.values[metric.name], spans[m]!, winners[m] === r),
    )
    return markup`<tr${row.reference ? markup` class="reference"` : ''}><th scope="row">${row.name}</th>${cells}</tr>`
  })
  const clear = winners.some((winner) => winner >= 0)
    ? 'Bold: the best value whose interval overlaps no other method’s.'
    : 'No value is bold: the intervals of the methods overlap.'
  return markup`<div class="scroll" role="region" aria-label="Results" tabindex="0"><table class="results">
<caption>${caption} Mean and 95 % interval. ${rivals && rows.length > 1 && clear}</caption>
<thead><tr><th scope="col">${rowTitle}</th>${metrics.map(metricHeading)}</tr></thead>
<tbody>${body}</tbody></table></div>
${explanations(metrics)}`
}

function metricHeading(metric: Metric): Markup {
  if (metric.better === null) return markup`<th scope="col">${metric.name}</th>`
  const [arrow, words] = metric.better === 'higher' ? ['↑', 'higher is better'] : ['↓', 'lower is better']
  return markup`<th scope="col">${metric.name} <span aria-label="${words}" title="${words}">${arrow}</span></th>`
}

function estimateCell(value: Estimate | undefined, span: readonly [number, number], best: boolean): Markup {
  if (!value || !Number.isFinite(value.mean)) return markup`<td class="none">–</td>`
  const mean = value.mean.toFixed(3)
  const interval = Number.isFinite(value.low + value.high)
  return markup`<td>${best ? markup`<strong>${mean}</strong>` : mean}${
    interval &&
    markup`<small>${value.low.toFixed(3)} – ${value.high.toFixed(3)}</small>${whisker(value, span)}`
  }</td>`
}

/** The interval as a line with a dot at the mean, on the scale that all rows of the column share. */
function whisker(value: Estimate, [low, high]: readonly [number, number]): Markup {
  const width = 104
  const x = (number: number) => 4 + ((number - low) / (high - low)) * (width - 8)
  const line = (from: number, to: number, role: string): Child =>
    el('line', { x1: from, x2: to, y1: 6, y2: 6, class: role })
  return el(
    'svg',
    { width, height: 12, viewBox: `0 0 ${width} 12`, 'aria-hidden': 'true', class: 'whisker' },
    line(0, width, 'track'),
    line(x(value.low), x(value.high), 'interval'),
    el('circle', { cx: x(value.mean), cy: 6, r: 3.4 }),
  )
}

function metricSpan(rows: readonly ResultRow[], metric: Metric): readonly [number, number] {
  const ends = rows.flatMap((row) => {
    const value = row.values[metric.name]
    return value ? [value.mean, value.low, value.high].filter(Number.isFinite) : []
  })
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  return high > low ? [low, high] : [low - 0.5, low + 0.5]
}

function explanations(metrics: readonly Metric[]): Markup | null {
  const explained = metrics.filter((metric) => metric.explanation)
  if (explained.length === 0) return null
  const entries = explained.map((metric) => markup`<dt>${metric.name}</dt><dd>${metric.explanation}</dd>`)
  return markup`<dl class="terms">${entries}</dl>`
}
