import type { BundlePreprocessing, BundleSize } from '@septum/core'

/** [height, width] */
export type Size = readonly [number, number]

/** How the image comes to the network: as it is, one window of it, or stretched to the network's size. */
export type Placement =
  | { readonly kind: 'whole' }
  | { readonly kind: 'crop'; readonly top: number; readonly left: number; readonly window: Size }
  | { readonly kind: 'stretch'; readonly window: Size }

/**
 * @param centre [y, x], the pixel at the middle of the window of a `crop`; null: the middle of the image. The window
 * stays inside the image where it fits; a smaller image lies at its centre with 0 around it.
 */
export function placementOf(
  [height, width]: Size,
  size: BundleSize,
  { fit }: Pick<BundlePreprocessing, 'fit'>,
  centre: readonly [number, number] | null = null,
): Placement {
  const window = [size.trained[0]!, size.trained[1]!] as const
  if (fit === 'stretch') {
    return window[0] === height && window[1] === width ? { kind: 'whole' } : { kind: 'stretch', window }
  }
  if (!size.fixed || (window[0] === height && window[1] === width)) return { kind: 'whole' }
  const start = (own: number, other: number, at: number | undefined) => {
    // The same rule as for centre crops in training: the rest of an odd difference goes to the far side.
    const middle = Math.floor((own - other) / 2)
    if (at === undefined || own <= other) return middle
    return Math.min(own - other, Math.max(0, Math.round(at - other / 2)))
  }
  return {
    ...{ kind: 'crop', window },
    top: start(height, window[0], centre?.[0]),
    left: start(width, window[1], centre?.[1]),
  }
}

export const networkSize = (size: Size, placement: Placement): Size =>
  placement.kind === 'whole' ? size : placement.window

/** One plane of the image as the network sees it. */
export function toNetwork(plane: Float32Array, size: Size, placement: Placement): Float32Array {
  if (placement.kind === 'whole') return plane
  if (placement.kind === 'stretch') return bilinear(plane, size, placement.window)
  return copy(plane, size, placement.window, placement.top, placement.left)
}

/** A map of the network on the grid of the image; 0 where the network did not look. */
export function toImage(
  map: Float32Array,
  size: Size,
  placement: Placement,
  mode: 'bilinear' | 'nearest',
): Float32Array {
  if (placement.kind === 'whole') return map
  if (placement.kind === 'crop') return copy(map, placement.window, size, -placement.top, -placement.left)
  return mode === 'bilinear' ? bilinear(map, placement.window, size) : nearest(map, placement.window, size)
}

/** to[y, x] = from[y + top, x + left], 0 outside. */
function copy(from: Float32Array, [fh, fw]: Size, [th, tw]: Size, top: number, left: number): Float32Array {
  const to = new Float32Array(th * tw)
  const first = Math.max(0, -left)
  const last = Math.min(tw, fw - left)
  for (let y = Math.max(0, -top); y < Math.min(th, fh - top); y++) {
    const row = (y + top) * fw + left
    if (last > first) to.set(from.subarray(row + first, row + last), y * tw + first)
  }
  return to
}

/** Half-pixel centres, edges repeated: `F.interpolate(mode='bilinear', align_corners=False)` of PyTorch. */
export function bilinear(from: Float32Array, [fh, fw]: Size, [th, tw]: Size): Float32Array {
  const to = new Float32Array(th * tw)
  const rows = weights(fh, th)
  const columns = weights(fw, tw)
  for (const [y, [y0, y1, wy]] of rows.entries()) {
    for (const [x, [x0, x1, wx]] of columns.entries()) {
      const above = from[y0 * fw + x0]! * (1 - wx) + from[y0 * fw + x1]! * wx
      const below = from[y1 * fw + x0]! * (1 - wx) + from[y1 * fw + x1]! * wx
      to[y * tw + x] = above * (1 - wy) + below * wy
    }
  }
  return to
}

/** For each target place: lower neighbour, upper neighbour, weight of the upper one. */
function weights(from: number, to: number): (readonly [number, number, number])[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5)
    const low = Math.min(from - 1, Math.floor(at))
    return [low, Math.min(from - 1, low + 1), at - low] as const
  })
}

/** The pixel whose area holds the target's centre. */
function nearest(from: Float32Array, [fh, fw]: Size, [th, tw]: Size): Float32Array {
  const to = new Float32Array(th * tw)
  for (let y = 0; y < th; y++) {
    const row = Math.floor(((y + 0.5) * fh) / th) * fw
    for (let x = 0; x < tw; x++) to[y * tw + x] = from[row + Math.floor(((x + 0.5) * fw) / tw)]!
  }
  return to
}
