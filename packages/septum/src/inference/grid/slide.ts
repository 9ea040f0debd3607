import type { Size3 } from './axis.js'
import { turn } from './turn.js'
import { WindowSums } from './window-sums.js'
import { cutWindow, type WindowPlan } from './windows.js'

/** Runs windows [count, channels, ...window] and gives [count, layers, ...window]. */
export type RunWindows = (windows: Float32Array, count: number) => Promise<Float32Array>

export interface SlideOptions {
  readonly channels: number
  readonly layers: number
  /** Windows run together. */
  readonly batch: number
  /** Value of each layer where no window reaches. Default 0. */
  readonly outside?: (layer: number) => number
  readonly signal?: AbortSignal
  /** Called after each run with the number of its windows. */
  readonly onWindows?: (count: number) => void
}

/**
 * Slides windows over an image and gives the planes of the weighted mean, [layers, H, W] each, front to back. Held are
 * the sums of as many planes as a window is deep.
 * @param image [channels, ...plan.size]
 * @throws the signal's reason when it is aborted
 */
export async function* slide(
  image: Float32Array,
  plan: WindowPlan,
  run: RunWindows,
  { channels, layers, batch, outside, signal, onWindows }: SlideOptions,
): AsyncGenerator<Float32Array> {
  const { starts, window, size } = plan
  const sums = new WindowSums(plan, layers, outside)
  const samples = window[0] * window[1] * window[2]
  for (let first = 0; first < starts.length; first += batch) {
    signal?.throwIfAborted()
    const some = starts.slice(first, first + batch)
    const given = new Float32Array(some.length * channels * samples)
    some.forEach((start, i) => {
      const one = given.subarray(i * channels * samples, (i + 1) * channels * samples)
      cutWindow(image, channels, plan, start, one)
    })
    const values = await run(given, some.length)
    onWindows?.(some.length)
    some.forEach((start: Size3, i) => {
      sums.add(values.subarray(i * layers * samples, (i + 1) * layers * samples), start)
    })
    const next = starts[first + batch]
    yield* sums.finished(next ? Math.max(0, next[0]) : size[0])
    await turn()
  }
}
