/** Element types that a weight file may hold, by their libtorch names. */
export type StoredDType =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint8'
  | 'bool'
  | 'complex64'
  | 'complex128'

const ELEMENT_BYTES: Readonly<Record<StoredDType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
  complex64: 8,
  complex128: 16,
}

/** Bytes of one element. */
export function elementBytes(dtype: StoredDType): number {
  return ELEMENT_BYTES[dtype]
}

/**
 * Product of the sizes of a shape.
 * @returns the number of elements (1 for a scalar), or null when a size is not a non-negative integer or the
 * product of the sizes up to any axis exceeds 2^53 - 1.
 */
export function elementCount(shape: readonly number[]): number | null {
  let count = 1
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) return null
    if (size > 0 && count > Number.MAX_SAFE_INTEGER / size) return null
    count *= size
  }
  return count
}

/** Bytes of a contiguous tensor, or null under the conditions of {@link elementCount}. */
export function byteCount(dtype: StoredDType, shape: readonly number[]): number | null {
  const count = elementCount(shape)
  return count === null ? null : elementCount([count, elementBytes(dtype)])
}
