import { cat, F, type Tensor, tensor } from '@septum/torch'
import type { CaseParameters } from './parameters.js'
import { centreOffset } from './place.js'

type Size = readonly [height: number, width: number]
type Geometry = Pick<CaseParameters, 'flipHorizontal' | 'flipVertical' | 'degrees' | 'quarterTurns'>

/** Cosines of 0, 90, 180 and 270 degrees, exactly. */
export const QUARTER_COSINE = [1, 0, -1, 0]

/**
 * The map from output to input coordinates (both in [-1, 1] from edge to edge, `alignCorners: false`) of:
 * flip left-right, flip up-down, rotate about the centre, quarter turns, centre crop, in this order.
 * @param from size of the input window. @param to size of the crop.
 * @returns two rows of three.
 */
export function inverseMap(
  { flipHorizontal, flipVertical, degrees, quarterTurns }: Geometry,
  from: Size,
  to: Size,
): number[] {
  const [height, width] = from
  const turns = quarterTurns % 4
  const radians = ((degrees + 90 * turns) * Math.PI) / 180
  // Quarter turns alone copy pixels, for which the sine of pi is not near enough to zero.
  const cos = degrees === 0 ? QUARTER_COSINE[turns]! : Math.cos(radians)
  const sin = degrees === 0 ? QUARTER_COSINE[(turns + 3) % 4]! : Math.sin(radians)
  const [turnedHeight, turnedWidth] = turns % 2 === 0 ? from : [width, height]
  // Half a pixel where crop and window differ by an odd number, as their centres then do not coincide.
  const dy = centreOffset(turnedHeight, to[0]) - (turnedHeight - to[0]) / 2
  const dx = centreOffset(turnedWidth, to[1]) - (turnedWidth - to[1]) / 2
  const x = (flipHorizontal ? -1 : 1) / width
  const y = (flipVertical ? -1 : 1) / height
  // A point that is turned by +a was at (x cos - y sin, x sin + y cos) before, as rows count downwards.
  return [
    x * cos * to[1],
    -x * sin * to[0],
    2 * x * (cos * dx - sin * dy),
    y * sin * to[1],
    y * cos * to[0],
    2 * y * (sin * dx + cos * dy),
  ]
}

/**
 * Moves the images and masks of a batch together, in one pass over the pixels each (one for both where
 * both are nearest).
 * Outside the window is 0. Masks are nearest; so are the images when no case is freely rotated, and then
 * every pixel is a copy.
 * @param images [N, C, H, W] float32. @param masks [N, R, H, W] uint8.
 * @returns [N, C, ...size] float32 and [N, R, ...size] uint8.
 */
export function transformTogether(
  images: Tensor,
  masks: Tensor,
  parameters: readonly Geometry[],
  size: Size,
  interpolation: 'bilinear' | 'nearest',
): { images: Tensor; masks: Tensor } {
  const [batch, channels, height, width] = images.shape as [number, number, number, number]
  const from: Size = [height, width]
  if (parameters.every(isIdentity) && height >= size[0] && width >= size[1]) {
    return { images: centreCrop(images, size), masks: centreCrop(masks, size) }
  }
  const maps = Float32Array.from(parameters.flatMap((one) => inverseMap(one, from, size)))
  const theta = tensor(maps, { shape: [batch, 2, 3], device: images.device })
  const grid = F.affineGrid(theta, [batch, 1, ...size])
  const nearest = interpolation === 'nearest' || parameters.every(({ degrees }) => degrees === 0)
  const labels = masks.float()
  if (!nearest) {
    return {
      images: F.gridSample(images, grid, { mode: 'bilinear' }),
      masks: F.gridSample(labels, grid, { mode: 'nearest' }).to({ dtype: 'uint8' }),
    }
  }
  const both = F.gridSample(cat([images, labels], 1), grid, { mode: 'nearest' })
  return {
    images: both.narrow(1, 0, channels).contiguous(),
    masks: both.narrow(1, channels, masks.size(1)).to({ dtype: 'uint8' }).contiguous(),
  }
}

function isIdentity({ flipHorizontal, flipVertical, degrees, quarterTurns }: Geometry): boolean {
  return !flipHorizontal && !flipVertical && degrees === 0 && quarterTurns === 0
}

function centreCrop(x: Tensor, [height, width]: Size): Tensor {
  if (x.size(2) === height && x.size(3) === width) return x
  const top = centreOffset(x.size(2), height)
  const left = centreOffset(x.size(3), width)
  return x.narrow(2, top, height).narrow(3, left, width).contiguous()
}
