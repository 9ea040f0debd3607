import { formatCount } from './page.js'
import { figureStyle, fontFamily, painter } from './palette.js'
import { el, type Markup } from './svg.js'

const WIDTH = 420
const HEIGHT = 156
const LEFT = 40
/** Half a label of the axis may stick out. */
const RIGHT = 28
const BOTTOM = 38
const TOP = 8
const BINS = 28
/** The axis spans at least a factor of ten. */
const LEAST_SPAN = 1

/**
 * Histogram of sizes over logarithmic bins of equal width.
 * @param sizes above 0. @param unit written beside the axis.
 */
export function sizeHistogram(sizes: readonly number[], unit: string): Markup {
  const paint = painter('auto')
  const logs = sizes.map((size) => Math.log10(size))
  const [least, largest] = [Math.min, Math.max].map((pick) => logs.reduce((a, b) => pick(a, b))) as [
    number,
    number,
  ]
  const margin = Math.max(0.02, (LEAST_SPAN - (largest - least)) / 2)
  const [low, high] = [least - margin, largest + margin]
  const bins = new Array<number>(BINS).fill(0)
  for (const log of logs) {
    const bin = Math.min(BINS - 1, Math.floor(((log - low) / (high - low)) * BINS))
    bins[bin] = bins[bin]! + 1
  }
  const most = Math.max(...bins)
  const [w, h] = [WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM]
  const step = w / bins.length
  const label = (x: number, y: number, anchor: string, words: string) =>
    el('text', { x, y, 'font-size': 11.5, 'text-anchor': anchor, ...paint.fill('muted') }, words)
  const edge = (bin: number) => 10 ** (low + (bin / BINS) * (high - low))
  const bars = bins.map((count, bin) => {
    const tall = (count / most) * h
    return count === 0
      ? undefined
      : el(
          'rect',
          {
            x: LEFT + bin * step + 0.75,
            y: TOP + h - tall,
            width: step - 1.5,
            height: tall,
            rx: 1,
            ...paint.fill('series0'),
          },
          el(
            'title',
            {},
            `${formatCount(count)} parts of ${text(edge(bin))} to ${text(edge(bin + 1))} ${unit}`,
          ),
        )
  })
  const ticks = niceSizes(low, high).map((size) => {
    const x = LEFT + ((Math.log10(size) - low) / (high - low)) * w
    return el(
      'g',
      {},
      el('path', { d: `M${x} ${TOP + h}v5`, ...paint.stroke('muted') }),
      label(x, TOP + h + 18, 'middle', text(size)),
    )
  })
  return el(
    'svg',
    {
      xmlns: 'http://www.w3.org/2000/svg',
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: 'img',
      'aria-label': `Histogram of ${sizes.length} sizes`,
      'font-family': fontFamily,
    },
    figureStyle('auto'),
    el('path', { d: `M${LEFT} ${TOP + h}h${w}`, ...paint.stroke('muted') }),
    bars,
    ticks,
    label(LEFT - 8, TOP + 10, 'end', formatCount(most)),
    label(LEFT - 8, TOP + h, 'end', '0'),
    label(LEFT + w, TOP + h + 32, 'end', `size in ${unit}`),
  )
}

/** 1, 2 and 5 times powers of ten between two logarithms; powers alone where that would be a crowd. */
function niceSizes(low: number, high: number): number[] {
  const decades = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, k) => Math.floor(low) + k)
  const within = (factors: readonly number[]) =>
    decades
      .flatMap((decade) => factors.map((factor) => factor * 10 ** decade))
      .filter((size) => Math.log10(size) >= low && Math.log10(size) <= high)
  const all = within([1, 2, 5])
  return all.length <= 7 ? all : within([1])
}

const text = (value: number) =>
  value >= 1000 ? formatCount(Math.round(value)) : String(Number(value.toPrecision(2)))
