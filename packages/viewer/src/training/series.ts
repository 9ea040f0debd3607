/** Points of a curve, by ascending x. */
export interface Points {
  readonly x: readonly number[]
  readonly y: readonly number[]
}

/** Twice what the widest screen shows; more is halved. */
const MOST = 4000

/** A curve that grows, of bounded size: when it is full every other point goes, and what comes is thinned alike. */
export class Series implements Points {
  readonly x: number[] = []
  readonly y: number[] = []
  #stride = 1
  #skipped = 0

  constructor(private readonly most = MOST) {}

  /** A step that is there already is replaced: after a broken connection some come twice. */
  add(x: number, y: number): void {
    const end = this.x.at(-1)
    if (end !== undefined && x <= end) {
      const at = this.x.indexOf(x)
      if (at >= 0) this.y[at] = y
      return
    }
    if (this.#skipped + 1 < this.#stride) {
      this.#skipped++
      return
    }
    this.#skipped = 0
    this.x.push(x)
    this.y.push(y)
    if (this.x.length <= this.most) return
    for (const list of [this.x, this.y]) {
      const kept = list.filter((_, i) => i % 2 === 0)
      list.splice(0, list.length, ...kept)
    }
    this.#stride *= 2
  }
}

/**
 * Exponential moving average of weight w, its start corrected for beginning at 0 (Kingma and Ba 2015, section 3):
 * m_t = w m_(t-1) + (1 - w) y_t, shown as m_t / (1 - w^t). @param weight in [0, 1): 0 changes nothing.
 */
export function smoothed(y: readonly number[], weight: number): number[] {
  let mean = 0
  let rest = 1
  return y.map((value) => {
    mean = weight * mean + (1 - weight) * value
    rest *= weight
    return mean / (1 - rest)
  })
}

/** Index of the point whose x is nearest, -1 of none. */
export function nearest({ x }: Points, at: number): number {
  if (x.length === 0) return -1
  let low = 0
  let high = x.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (x[middle]! < at) low = middle + 1
    else high = middle
  }
  return low > 0 && at - x[low - 1]! <= x[low]! - at ? low - 1 : low
}
