import { SeptumError } from '../error.js'

/** A pixel grid with its axes named; a picture has depth 1 and `dimensions` 2. */
export interface Grid {
  readonly dimensions: 2 | 3
  readonly depth: number
  readonly height: number
  readonly width: number
  readonly pixels: number
  /** Distance between neighbours along depth, height and width. */
  readonly spacing: readonly [number, number, number]
}

/**
 * @param shape [height, width] or [depth, height, width].
 * @param spacing one positive distance for each axis of `shape`; default 1.
 * @throws SeptumError `metric-shape` or `metric-spacing`.
 */
export function gridOf(shape: readonly number[], spacing?: readonly number[]): Grid {
  const whole = shape.every((size) => Number.isInteger(size) && size > 0)
  if ((shape.length !== 2 && shape.length !== 3) || !whole) {
    throw new SeptumError(
      'metric-shape',
      `Metrics cannot be computed on a map of shape [${shape.join(', ')}]`,
      'Give [height, width] or [depth, height, width].',
    )
  }
  if (spacing && (spacing.length !== shape.length || !spacing.every((step) => step > 0 && step < Infinity))) {
    throw new SeptumError(
      'metric-spacing',
      `Spacing [${spacing.join(', ')}] does not fit a map of shape [${shape.join(', ')}]`,
      'Give one positive distance for each axis, in the order of the shape.',
    )
  }
  const [depth, height, width] = (shape.length === 2 ? [1, ...shape] : shape) as [number, number, number]
  const steps = spacing ?? shape.map(() => 1)
  return {
    dimensions: shape.length,
    depth,
    height,
    width,
    pixels: depth * height * width,
    spacing: (shape.length === 2 ? [1, ...steps] : [...steps]) as [number, number, number],
  }
}

/** @throws SeptumError `metric-shape` when a map does not have one value for each pixel. */
export function checkLength(map: ArrayLike<unknown>, pixels: number, what: string): void {
  if (map.length === pixels) return
  throw new SeptumError(
    'metric-shape',
    `The ${what} has ${map.length} values for ${pixels} pixels`,
    'Bring prediction and reference to the same size first.',
  )
}

/** Number of marked pixels. */
export function countMarked(mask: Uint8Array): number {
  let count = 0
  for (let i = 0; i < mask.length; i++) count += mask[i] === 0 ? 0 : 1
  return count
}
