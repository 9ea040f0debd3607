import { type AxisTaps, isIdentity, resizePlanes } from './axis.js'

/**
 * Brings a stream of planes to another grid, linear along all three axes. Two planes are held at a time, so that a
 * volume of many classes never lies in memory.
 * @param planes [layers, y.from, x.from], z.from of them in order. @returns [layers, y.to, x.to], z.to of them.
 */
export async function* restorePlanes(
  planes: AsyncIterable<Float32Array>,
  layers: number,
  [z, y, x]: readonly [AxisTaps, AxisTaps, AxisTaps],
): AsyncGenerator<Float32Array> {
  if (isIdentity(z)) {
    for await (const plane of planes) yield resizePlanes(plane, layers, y, x)
    return
  }
  let next = 0
  let index = -1
  let previous: Float32Array | undefined
  for await (const plane of planes) {
    const current = resizePlanes(plane, layers, y, x)
    index++
    // Target planes whose upper neighbour this is, or which lie on it.
    while (next < z.to && z.lower[next]! + (z.share[next]! > 0 ? 1 : 0) <= index) {
      yield between(z.lower[next]! === index ? current : previous!, current, z.share[next]!)
      next++
    }
    previous = current
  }
}

function between(low: Float32Array, high: Float32Array, share: number): Float32Array {
  // A copy: two target planes may lie on one source plane, and the receiver owns what it gets.
  if (share === 0) return low.slice()
  const out = new Float32Array(low.length)
  for (let i = 0; i < out.length; i++) out[i] = low[i]! + share * (high[i]! - low[i]!)
  return out
}
