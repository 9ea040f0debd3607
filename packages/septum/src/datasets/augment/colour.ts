import { cat, type Tensor } from '@septum/torch'
import { column } from './column.js'
import type { AppearanceParameters } from './draw-appearance.js'

type Colour = NonNullable<AppearanceParameters['colour']>

/** Luma of ITU-R BT.601, as torchvision and Pillow weigh red, green and blue. */
const LUMA = [0.299, 0.587, 0.114]

/** [N, 1, ...size] luma of [N, 3, ...size]. */
function luma(x: Tensor): Tensor {
  const [red, green, blue] = x.chunk(3, 1)
  return red!.mul(LUMA[0]!).add_(green!, LUMA[1]).add_(blue!, LUMA[2])
}

/** Three equal channels. */
export const toGrey = (x: Tensor): Tensor => luma(x).expand(x.shape).contiguous()

/** factor x + (1 - factor) other, cut to [0, 1]. */
const blend = (x: Tensor, other: Tensor, factor: Tensor): Tensor =>
  x.sub(other).mul_(factor).add_(other).clamp_(0, 1)

/**
 * Turns the hue by a share of the colour circle: RGB to HSV, shifted, and back, at constant value and saturation.
 * @param x [N, 3, ...size] in [0, 1]. @param turns broadcasts over x.
 */
function shiftHue(x: Tensor, turns: Tensor): Tensor {
  const value = x.amax([1], true)
  const chroma = value.sub(x.amin([1], true))
  const [red, green, blue] = x.chunk(3, 1)
  const safe = chroma.add(chroma.eq(0).float())
  // Sextant positions 0 to 6; red wins over green over blue where the largest is shared.
  const fromRed = green!.sub(blue!).div_(safe)
  const fromGreen = blue!.sub(red!).div_(safe).add_(2)
  const fromBlue = red!.sub(green!).div_(safe).add_(4)
  const isRed = red!.eq(value).float()
  const isGreen = green!.eq(value).float().mul_(isRed.sub(1).mul_(-1))
  const isBlue = isRed.add(isGreen).sub_(1).mul_(-1)
  const hue = fromRed.mul_(isRed).add_(fromGreen.mul_(isGreen)).add_(fromBlue.mul_(isBlue))
  const turned = hue.add_(turns.mul(6))
  // A channel is value - chroma · clamp(min(k, 4 - k), 0, 1) with k = (n + hue) mod 6, n = 5, 3, 1 for R, G, B.
  const channels = [5, 3, 1].map((n) => {
    const k = turned.add(n).remainder(6)
    const share = k.minimum(k.mul(-1).add_(4)).clamp_(0, 1)
    return value.sub(share.mul_(chroma))
  })
  return cat(channels, 1).clamp_(0, 1)
}

/**
 * Brightness, contrast about the mean luma, saturation about the luma, hue: torchvision's ColorJitter in this order.
 * @param x [N, 3, ...size] in [0, 1].
 */
export function jitterColour(x: Tensor, all: readonly Colour[]): Tensor {
  const brightened = x
    .mul(
      column(
        all.map((one) => one.brightness),
        x,
      ),
    )
    .clamp_(0, 1)
  const axes = x.shape.slice(1).map((_, axis) => axis + 1)
  const contrasted = blend(
    brightened,
    luma(brightened).mean(axes, true),
    column(
      all.map((one) => one.contrast),
      x,
    ),
  )
  const saturated = blend(
    contrasted,
    luma(contrasted),
    column(
      all.map((one) => one.saturation),
      x,
    ),
  )
  if (all.every(({ hue }) => hue === 0)) return saturated
  return shiftHue(
    saturated,
    column(
      all.map((one) => one.hue),
      x,
    ),
  )
}
