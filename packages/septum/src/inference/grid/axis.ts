/** Sizes along z, y, x; a picture has z = 1. */
export type Size3 = readonly [depth: number, height: number, width: number]

/** Where the samples of one axis lie between those of another, for linear interpolation. */
export interface AxisTaps {
  /** Lower neighbour of each target sample. */
  readonly lower: Int32Array
  /** Share of the upper neighbour, in [0, 1). */
  readonly share: Float32Array
  readonly from: number
  readonly to: number
}

/**
 * Taps of target samples at `start + i * step` in units of source samples. Places beyond the outermost samples take
 * the edge's value.
 */
export function axisTaps(from: number, to: number, start: number, step: number): AxisTaps {
  const lower = new Int32Array(to)
  const share = new Float32Array(to)
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, start + i * step))
    const low = Math.min(Math.floor(at), Math.max(0, from - 2))
    lower[i] = low
    share[i] = at - low
  }
  return { lower, share, from, to }
}

/** Stretches an axis over the same length, half-pixel centres: PyTorch's `interpolate` with `align_corners=False`. */
export function stretchedAxis(from: number, to: number): AxisTaps {
  const step = from / to
  return axisTaps(from, to, step / 2 - 0.5, step)
}

/** An axis of another spacing about the same centre, as core's `gridWithSpacing` lays it. */
export function respacedAxis(from: number, to: number, fromMm: number, toMm: number): AxisTaps {
  const step = toMm / fromMm
  return axisTaps(from, to, (from - 1) / 2 - ((to - 1) / 2) * step, step)
}

/** Whether every target sample is the source sample of the same number. */
export function isIdentity({ lower, share, from, to }: AxisTaps): boolean {
  return from === to && lower.every((low, i) => low + share[i]! === i)
}

/**
 * Interpolates planes along y and x.
 * @param planes [layers, y.from, x.from] @returns [layers, y.to, x.to]; `planes` itself where nothing moves.
 */
export function resizePlanes(planes: Float32Array, layers: number, y: AxisTaps, x: AxisTaps): Float32Array {
  if (isIdentity(y) && isIdentity(x)) return planes
  const out = new Float32Array(layers * y.to * x.to)
  const rows = [new Float32Array(x.to), new Float32Array(x.to)] as [Float32Array, Float32Array]
  for (let layer = 0; layer < layers; layer++) {
    const source = planes.subarray(layer * y.from * x.from, (layer + 1) * y.from * x.from)
    const held = [-1, -1]
    const rowAt = (row: number): Float32Array => {
      const slot = row & 1
      const values = rows[slot]!
      if (held[slot] === row) return values
      held[slot] = row
      const start = row * x.from
      for (let i = 0; i < x.to; i++) {
        const at = start + x.lower[i]!
        const share = x.share[i]!
        const value = source[at]!
        values[i] = share > 0 ? value + share * (source[at + 1]! - value) : value
      }
      return values
    }
    for (let j = 0; j < y.to; j++) {
      const low = y.lower[j]!
      const share = y.share[j]!
      const near = rowAt(low)
      const target = out.subarray((layer * y.to + j) * x.to, (layer * y.to + j + 1) * x.to)
      if (share === 0) target.set(near)
      else {
        const far = rowAt(low + 1)
        for (let i = 0; i < x.to; i++) target[i] = near[i]! + share * (far[i]! - near[i]!)
      }
    }
  }
  return out
}
