import { SeptumError } from '@septum/core'
import { broken } from './problem.js'

/**
 * Number of samples of a file, refused before memory is taken.
 * @param sizes the axes. @param bytesEach bytes of one decoded sample.
 * @throws SeptumError `volume-broken` for a size that is no whole number above 0, `volume-too-large`.
 */
export function countSamples(
  sizes: readonly number[],
  bytesEach: number,
  maxBytes: number,
  file: string,
): number {
  if (!sizes.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw broken(file, `its sizes ${sizes.join(' x ')} are impossible`)
  }
  const count = sizes.reduce((product, size) => product * size, 1)
  if (count * bytesEach > maxBytes) {
    throw new SeptumError(
      'volume-too-large',
      `The volume of ${sizes.join(' x ')} samples would take ${((count * bytesEach) / 1e9).toPrecision(3)} GB, ` +
        `more than the limit of ${(maxBytes / 1e9).toPrecision(3)} GB`,
      'Crop it or lower its resolution first.',
      { file },
    )
  }
  return count
}

/**
 * Moves an axis of channels to the front.
 * @param samples ordered [outer, channels, inner]. @returns [channels, outer, inner], the same array for outer 1.
 */
export function channelsFirst<
  T extends {
    readonly length: number
    subarray(a: number, b: number): T
    set(values: T, at: number): void
    slice(): T
    [index: number]: number
  },
>(samples: T, channels: number, inner: number): T {
  const outer = samples.length / channels / inner
  if (outer === 1 || channels === 1) return samples
  const out = samples.slice()
  for (let channel = 0; channel < channels; channel++) {
    for (let o = 0; o < outer; o++) {
      const from = (o * channels + channel) * inner
      const to = (channel * outer + o) * inner
      if (inner === 1) out[to] = samples[from]!
      else out.set(samples.subarray(from, from + inner), to)
    }
  }
  return out
}
