import { SeptumError } from '@septum/core'
import type { Size3 } from './axis.js'

/** Windows over an image in the order in which they are run: by first plane, row, column. */
export interface WindowPlan {
  readonly size: Size3
  readonly window: Size3
  /** First sample of each window; negative where the image is smaller than the window and lies at its centre. */
  readonly starts: readonly Size3[]
  /** Weight of each sample along z, y and x; their product, at least `LEAST_WEIGHT`, weighs a window's sample. */
  readonly weights: readonly [Float32Array, Float32Array, Float32Array]
}

/** Weights in the corners would underflow otherwise; the bound is MONAI's. */
export const LEAST_WEIGHT = 1e-3

/**
 * First samples of windows along an axis, evenly spread with steps of at most `window * (1 - overlap)` (nnU-Net's
 * `compute_steps_for_sliding_window`). An image that is no longer than the window lies at its centre, as a centre crop
 * of training places it.
 */
export function windowStarts(size: number, window: number, overlap: number): number[] {
  if (size <= window) return [Math.floor((size - window) / 2) + 0]
  const step = Math.max(1, window * (1 - overlap))
  const count = Math.ceil((size - window) / step) + 1
  return Array.from({ length: count }, (_, i) => Math.round(((size - window) / (count - 1)) * i))
}

/** Gaussian about the centre of a window, sigma an eighth of its side (nnU-Net, MONAI), 1 at the centre. */
export function gaussianWeights(window: number): Float32Array {
  const sigma = window / 8
  return Float32Array.from({ length: window }, (_, i) =>
    Math.exp(-0.5 * ((i - (window - 1) / 2) / sigma) ** 2),
  )
}

/** One window where a centre crop of training lies; what it does not see is left to the caller. */
export function planCentre(size: Size3, window: Size3): WindowPlan {
  const start = size.map((side, axis) => Math.floor((side - window[axis]!) / 2) + 0) as unknown as Size3
  const weights = window.map((side) => new Float32Array(side).fill(1))
  return { size, window, starts: [start], weights: weights as unknown as WindowPlan['weights'] }
}

/**
 * Plans sliding windows.
 * @param overlap share of a window that its neighbour sees too, in [0, 1).
 * @throws SeptumError `predict-window`.
 */
export function planWindows(size: Size3, window: Size3, overlap: number): WindowPlan {
  if (!(overlap >= 0 && overlap < 1) || !window.every((side) => Number.isInteger(side) && side > 0)) {
    throw new SeptumError(
      'predict-window',
      `Windows of ${window.join(' x ')} with an overlap of ${overlap} cannot be laid`,
      'Give positive sides and an overlap of at least 0 and below 1.',
    )
  }
  const [zs, ys, xs] = size.map((side, axis) => windowStarts(side, window[axis]!, overlap)) as [
    number[],
    number[],
    number[],
  ]
  const starts = zs.flatMap((z) => ys.flatMap((y) => xs.map((x): Size3 => [z, y, x])))
  // One window along an axis: its neighbours cannot disagree with it, and division by the weight is exact.
  const weights = [zs, ys, xs].map((list, axis) =>
    list.length === 1 ? new Float32Array(window[axis]!).fill(1) : gaussianWeights(window[axis]!),
  )
  return { size, window, starts, weights: weights as unknown as WindowPlan['weights'] }
}

/**
 * Copies a window out of an image.
 * @param image [channels, ...size] @param to [channels, ...window], 0 where the window leaves the image.
 */
export function cutWindow(
  image: Float32Array,
  channels: number,
  { size, window }: WindowPlan,
  start: Size3,
  to: Float32Array,
): void {
  to.fill(0)
  const [d, h, w] = size
  const [wd, wh, ww] = window
  const [x0, x1] = [Math.max(0, start[2]), Math.min(w, start[2] + ww)]
  for (let c = 0; c < channels; c++) {
    for (let z = Math.max(0, start[0]); z < Math.min(d, start[0] + wd); z++) {
      for (let y = Math.max(0, start[1]); y < Math.min(h, start[1] + wh); y++) {
        const from = ((c * d + z) * h + y) * w
        const into = ((c * wd + z - start[0]) * wh + y - start[1]) * ww - start[2]
        to.set(image.subarray(from + x0, from + x1), into + x0)
      }
    }
  }
}
