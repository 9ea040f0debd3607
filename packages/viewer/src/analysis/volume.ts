import { type LabelledClass, maskOfClass } from '@septum/core'

/**
 * Marked samples of one class in one slice.
 * @param labels [D, H, W]. @param z slice, from 0.
 */
export function samplesInSlice(
  labels: Uint8Array,
  [, height, width]: readonly number[],
  entry: LabelledClass,
  z: number,
): number {
  const pixels = height! * width!
  const mask = maskOfClass(labels.subarray(z * pixels, (z + 1) * pixels), entry)
  return mask.reduce((count, marked) => count + marked, 0)
}
