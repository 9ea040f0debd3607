/** An axis: where a value lies, and which values are labelled. */
export interface Scale {
  readonly low: number
  readonly high: number
  readonly ticks: readonly number[]
  /** 0 at `low`, 1 at `high`. */
  at(value: number): number
  readonly log: boolean
}

/** Round steps: 1, 2 or 5 times a power of ten, about `count` of them. */
export function roundStep(span: number, count: number): number {
  const raw = span / Math.max(1, count)
  const power = 10 ** Math.floor(Math.log10(raw))
  const factor = [1, 2, 5, 10].find((each) => each * power >= raw * 0.999) ?? 10
  return factor * power
}

/** @param low, high finite; widened to round values, and apart where they are equal. */
export function linear(low: number, high: number, count = 5): Scale {
  if (high - low <= Math.abs(high) * 1e-9) {
    const half = Math.max(Math.abs(high) * 0.1, 1e-6)
    ;[low, high] = [low - half, high + half]
  }
  const step = roundStep(high - low, count)
  const first = Math.floor(low / step + 1e-9)
  const last = Math.ceil(high / step - 1e-9)
  // Products of whole numbers: sums of steps would drift.
  const ticks = Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  )
  const [from, to] = [ticks[0]!, ticks.at(-1)!]
  return { low: from, high: to, ticks, log: false, at: (value) => (value - from) / (to - from) }
}

/** Powers of ten, with 2 and 5 times them where few powers are spanned. @param low above 0 */
export function logarithmic(low: number, high: number): Scale {
  const wide = Math.log10(high / low) > 2.5
  const marks: number[] = []
  for (let power = Math.floor(Math.log10(low)) - 1; power <= Math.ceil(Math.log10(high)) + 1; power++)
    for (const factor of wide ? [1] : [1, 2, 5]) marks.push(Number(`${factor}e${power}`))
  const first = marks.findLast((mark) => mark <= low * 1.0001)!
  const last = marks.find((mark) => mark >= high * 0.9999 && mark > first)!
  const ticks = marks.filter((mark) => mark >= first && mark <= last)
  const every = Math.ceil(ticks.length / 7)
  const span = Math.log(last / first)
  return {
    low: first,
    high: last,
    ticks: ticks.filter((_, i) => i % every === 0),
    log: true,
    at: (value) => Math.log(Math.max(value, 1e-300) / first) / span,
  }
}
