import { F, scope, type Tensor, tensor } from '@septum/torch'
import type { DecodedCase } from './case.js'

/**
 * Resizes a case: images bilinear (half-pixel centres, no smoothing before shrinking), rounded back to
 * their 8 or 16 bits; masks nearest, with the same centres. Height and width may be scaled differently.
 */
export function resizeCase(decoded: DecodedCase, size: readonly [number, number]): DecodedCase {
  const [height, width] = decoded.size
  if (height === size[0] && width === size[1]) return decoded
  const { image, masks } = decoded
  const pixels = height * width
  const deep = image instanceof Uint16Array
  const planes = tensor(Float32Array.from(image), { shape: [1, image.length / pixels, height, width] })
  const labels = tensor(Float32Array.from(masks), { shape: [1, masks.length / pixels, height, width] })
  try {
    const resized = scope(() => F.interpolate(planes, { size, mode: 'bilinear' }).round().flatten())
    const chosen = scope(() => nearest(labels, size).flatten())
    const values = resized.toTypedArray() as Float32Array
    const result = {
      image: deep ? Uint16Array.from(values) : Uint8Array.from(values),
      maxValue: decoded.maxValue,
      masks: Uint8Array.from(chosen.toTypedArray() as Float32Array),
      size,
    }
    resized.free()
    chosen.free()
    return result
  } finally {
    planes.free()
    labels.free()
  }
}

/** Nearest by pixel centres: `F.interpolate` takes the upper left neighbour, half a pixel off the image. */
function nearest(x: Tensor, size: readonly [number, number]): Tensor {
  const identity = tensor([1, 0, 0, 0, 1, 0], { shape: [1, 2, 3] })
  const grid = F.affineGrid(identity, [1, 1, ...size])
  return F.gridSample(x, grid, { mode: 'nearest', paddingMode: 'border' })
}
