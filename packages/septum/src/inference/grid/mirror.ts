import type { Size3 } from './axis.js'

/** Which of the axes z, y, x are turned round. */
export type Flip = readonly [z: boolean, y: boolean, x: boolean]

/** All combinations of turning the axes that `axes` names, the unturned first; axes of one sample are left out. */
export function flipsOver(axes: Flip, size: Size3): Flip[] {
  const choices = axes.map((chosen, axis) => (chosen && size[axis]! > 1 ? [false, true] : [false]))
  const [zs, ys, xs] = choices as [boolean[], boolean[], boolean[]]
  return zs.flatMap((z) => ys.flatMap((y) => xs.map((x): Flip => [z, y, x])))
}

/** @param values [planes, ...size] @returns the same turned round, in an array of its own. */
export function mirror(values: Float32Array, size: Size3, [flipZ, flipY, flipX]: Flip): Float32Array {
  const [d, h, w] = size
  const out = new Float32Array(values.length)
  const volumes = values.length / (d * h * w)
  for (let v = 0, to = 0; v < volumes; v++) {
    for (let z = 0; z < d; z++) {
      for (let y = 0; y < h; y++, to += w) {
        const from = ((v * d + (flipZ ? d - 1 - z : z)) * h + (flipY ? h - 1 - y : y)) * w
        out.set(values.subarray(from, from + w), to)
        if (flipX) out.subarray(to, to + w).reverse()
      }
    }
  }
  return out
}
