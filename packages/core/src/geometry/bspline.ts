/** Pole of the cubic B-spline's inverse filter (Unser, Aldroubi, Eden 1993). */
const POLE = Math.sqrt(3) - 2

/**
 * Turns samples into coefficients of cubic B-splines in place, along one axis of a block.
 * Samples are mirrored at both ends, without repeating the outermost (`mode='mirror'` of scipy.ndimage).
 * @param start first value of the line. @param count values on it. @param step distance between them.
 */
export function filterLine(values: Float64Array, start: number, count: number, step: number): void {
  if (count < 2) return
  const last = start + (count - 1) * step
  // The sum over all mirrored samples, each of which recurs after 2 (count - 1) steps.
  let forward = POLE
  let backward = POLE ** (count - 1)
  let sum = values[start]! + backward * values[last]!
  backward *= backward / POLE
  for (let at = start + step; at !== last; at += step) {
    sum += (forward + backward) * values[at]!
    forward *= POLE
    backward /= POLE
  }
  values[start] = (6 * sum) / (1 - forward * forward)
  for (let at = start + step; at !== last + step; at += step) {
    values[at] = 6 * values[at]! + POLE * values[at - step]!
  }
  values[last] = (POLE / (POLE * POLE - 1)) * (values[last]! + POLE * values[last - step]!)
  for (let at = last - step; at !== start - step; at -= step) {
    values[at] = POLE * (values[at + step]! - values[at]!)
  }
}

/** Filters a block [d, h, w] along all axes in place. */
export function filterBlock(values: Float64Array, [d, h, w]: readonly [number, number, number]): void {
  for (let line = 0; line < d * h; line++) filterLine(values, line * w, w, 1)
  for (let z = 0; z < d; z++) for (let x = 0; x < w; x++) filterLine(values, z * h * w + x, h, w)
  for (let at = 0; at < h * w; at++) filterLine(values, at, d, h * w)
}

/** Weights of the four coefficients round a place, `t` in [0, 1] after the second. */
export function splineWeights(t: number, into: Float64Array): void {
  const s = 1 - t
  into[0] = (s * s * s) / 6
  into[1] = 2 / 3 - t * t * (1 - t / 2)
  into[2] = 2 / 3 - s * s * (1 - s / 2)
  into[3] = (t * t * t) / 6
}
