/** What an axis shows: its two ends and the values that are written beside it, ascending. */
export interface Axis {
  readonly low: number
  readonly high: number
  readonly ticks: readonly number[]
}

/**
 * A linear axis around [low, high] whose ticks are multiples of 1, 2 or 5 times a power of ten.
 * @param count about how many ticks are wanted, at least 2.
 */
export function linearAxis(low: number, high: number, count = 5): Axis {
  // A flat or single-point series still gets an axis with its value in the middle.
  if (!(high > low)) {
    const half = Math.abs(low) * 0.1 || 1
    return linearAxis(low - half, low + half, count)
  }
  const rough = (high - low) / Math.max(1, count - 1)
  const power = 10 ** Math.floor(Math.log10(rough))
  const distance = (factor: number) => Math.abs(Math.log((factor * power) / rough))
  const step =
    power * [1, 2, 5, 10].reduce((best, factor) => (distance(factor) < distance(best) ? factor : best))
  const first = Math.floor(low / step + 1e-9)
  const last = Math.ceil(high / step - 1e-9)
  // Rounded to the step's decimals, since 3 * 0.1 is 0.30000000000000004.
  const decimals = Math.max(0, -Math.floor(Math.log10(step)))
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toFixed(decimals)),
  )
  return { low: ticks[0]!, high: ticks.at(-1)!, ticks }
}

/**
 * A logarithmic axis around [low, high], both positive: whole decades, and 2 and 5 between them where fewer
 * than two decades are shown.
 */
export function logAxis(low: number, high: number): Axis {
  const first = Math.floor(Math.log10(low) + 1e-9)
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9))
  const short = Math.log10(high / low) < 2
  const ticks: number[] = []
  for (let power = first; power <= last; power++) {
    for (const factor of short ? [1, 2, 5] : [1]) ticks.push(Number(`${factor}e${power}`))
  }
  if (!short) return { low: ticks[0]!, high: ticks.at(-1)!, ticks }
  const from = Math.max(
    0,
    ticks.findLastIndex((tick) => tick <= low * (1 + 1e-9)),
  )
  const above = ticks.findIndex((tick) => tick >= high * (1 - 1e-9))
  const shown = ticks.slice(from, Math.max(above, from + 1) + 1)
  return { low: shown[0]!, high: shown.at(-1)!, ticks: shown }
}

/** A tick as it is written: 1,200 as `1.2k`, 1e-5 as `1e-5`, 0.25 as `0.25`. */
export function formatTick(value: number): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(4))}k`
  if (size < 1e-3) return Number(value.toPrecision(4)).toExponential().replace('e+', 'e')
  return String(Number(value.toPrecision(6)))
}
