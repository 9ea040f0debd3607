import { F, scope, type Tensor, tensor } from '@septum/torch'
import type { DecodedCase } from './case.js'

/**
 * Resizes a case: images linear (half-pixel centres, no smoothing before shrinking), whole numbers rounded back to
 * their type; masks nearest, with the same centres. The axes may be scaled differently. Given [H, W], a volume is
 * resized slice by slice.
 */
export function resizeCase(decoded: DecodedCase, size: readonly number[]): DecodedCase {
  const from = decoded.size
  const target = [...from.slice(0, from.length - size.length), ...size]
  if (target.every((side, axis) => side === from[axis])) return decoded
  const { image, masks } = decoded
  const plane = size.reduce((product, _, axis) => product * from.at(-1 - axis)!, 1)
  const whole = !(image instanceof Float32Array || image instanceof Float64Array)
  const shapeOf = (length: number) => [1, length / plane, ...from.slice(-size.length)]
  const moved = scope(() => {
    const planes = tensor(Float32Array.from(image), { shape: shapeOf(image.length) })
    const resized = F.interpolate(planes, { size, mode: size.length === 3 ? 'trilinear' : 'bilinear' })
    return (whole ? resized.round() : resized).flatten()
  })
  const chosen =
    masks.length === 0
      ? null
      : scope(() =>
          nearest(tensor(Float32Array.from(masks), { shape: shapeOf(masks.length) }), size).flatten(),
        )
  const values = moved.toTypedArray() as Float32Array
  const labels = (chosen?.toTypedArray() ?? []) as Float32Array
  moved.free()
  chosen?.free()
  const Samples = image.constructor as unknown as { from(values: Float32Array): DecodedCase['image'] }
  // Places of foreground and geometry are those of the other grid.
  const { foreground: _places, geometry: _geometry, ...rest } = decoded
  return { ...rest, image: Samples.from(values), masks: Uint8Array.from(labels), size: target }
}

/** Nearest by pixel centres: `F.interpolate` takes the upper left neighbour, half a pixel off the image. */
function nearest(x: Tensor, size: readonly number[]): Tensor {
  const rank = size.length
  const rows = size.flatMap((_, row) => [...size.map((_side, at) => (at === row ? 1 : 0)), 0])
  const identity = tensor(rows, { shape: [1, rank, rank + 1] })
  const grid = F.affineGrid(identity, [1, 1, ...size])
  return F.gridSample(x, grid, { mode: 'nearest', paddingMode: 'border' })
}
