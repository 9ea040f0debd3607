/**
 * Marked samples of one class in one slice.
 * @param labels [D, H, W]. @param label of the class, from 1. @param z slice, from 0.
 */
export function samplesInSlice(
  labels: Uint8Array,
  [, height, width]: readonly number[],
  label: number,
  z: number,
): number {
  const pixels = height! * width!
  let count = 0
  for (let i = z * pixels; i < (z + 1) * pixels; i++) if (labels[i] === label) count++
  return count
}
