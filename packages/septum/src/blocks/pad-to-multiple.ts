import { F, type Tensor } from '@septum/torch'

/**
 * Zeros at the far ends of every spatial axis, so that networks that halve the size come out even.
 * @param x [N, C, ...size] @returns [N, C, ...size up to multiples of `multiple`]; `x` itself where nothing is missing
 */
export function padToMultiple(x: Tensor, multiple: number): Tensor {
  const missing = x.shape.slice(2).map((n) => (multiple - (n % multiple)) % multiple)
  if (missing.every((n) => n === 0)) return x
  return F.pad(
    x,
    missing.reverse().flatMap((n) => [0, n]),
  )
}

/** The near end of every spatial axis: what {@link padToMultiple} added goes. @param size of the result */
export const cutTo = (x: Tensor, size: readonly number[]): Tensor =>
  size.reduce((t, n, axis) => (t.size(axis + 2) === n ? t : t.narrow(axis + 2, 0, n)), x)
