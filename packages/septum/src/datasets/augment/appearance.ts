import { SeptumError } from '@septum/core'
import { cat, type Tensor } from '@septum/torch'
import { jitterColour, toGrey } from './colour.js'
import { column } from './column.js'
import type { AppearanceParameters } from './draw-appearance.js'
import { noiseField } from './noise.js'
import { blur } from './separable.js'
import { resizeLinear, resizeNearest } from './sizes.js'

type ValueRange = readonly [number, number] | null

/** Shortest interval of values that gamma stretches to [0, 1]. */
const SMALLEST_RANGE = 1e-7

const spaceOf = (x: Tensor): number[] => x.shape.slice(2).map((_, axis) => axis + 2)

/** Changes of a batch, each on the cases that have it; the others stay as they are, bit by bit. */
class ChosenCases {
  /** @param images stay untouched. */
  constructor(private images: Tensor) {}

  private owned = false

  get result(): Tensor {
    return this.images
  }

  /** @param drawn one entry a case. @param change gets the chosen cases [M, C, ...size] and their entries. */
  change<P>(
    drawn: readonly (P | undefined)[],
    change: (chosen: Tensor, entries: readonly P[]) => Tensor,
  ): void {
    const indices = drawn.flatMap((one, index) => (one === undefined ? [] : [index]))
    const entries = drawn.filter((one) => one !== undefined)
    if (entries.length === 0) return
    if (entries.length === drawn.length) {
      this.images = change(this.images, entries)
      this.owned = true
      return
    }
    const changed = change(cat(indices.map((index) => this.images.narrow(0, index, 1))), entries)
    if (!this.owned) this.images = this.images.clone()
    this.owned = true
    for (const [from, index] of indices.entries()) {
      this.images.select(0, index).copy_(changed.select(0, from))
    }
  }
}

function contrast(x: Tensor, factors: readonly number[], range: ValueRange): Tensor {
  const mean = x.mean(spaceOf(x), true)
  const stretched = x.sub(mean).mul_(column(factors, x)).add_(mean)
  if (range) return stretched.clamp_(...range)
  return stretched.maximum(x.amin(spaceOf(x), true)).minimum(x.amax(spaceOf(x), true))
}

/** Down to round(zoom · size) samples (nearest by centres), then up again (linear, half-pixel centres). */
function lowResolution(x: Tensor, zoom: number): Tensor {
  const size = x.shape.slice(2)
  const small = size.map((side) => Math.max(1, Math.round(zoom * side)))
  return resizeLinear(resizeNearest(x, small), size)
}

/**
 * Values to a power. With a range: ((x - low) / (high - low)) ^ gamma; without one each channel's own extremes are the
 * range, and its mean and standard deviation are kept (nnU-Net's GammaTransform with retained statistics).
 */
function gamma(
  x: Tensor,
  entries: readonly { readonly exponent: number; readonly invert: boolean }[],
  range: ValueRange,
): Tensor {
  const signs = entries.map(({ invert }) => (invert ? -1 : 1))
  const exponents = entries.map((one) => one.exponent)
  const [sign, exponent] = [column(signs, x), column(exponents, x)]
  if (range) {
    const unit = x
      .sub(range[0])
      .div_(range[1] - range[0])
      .clamp_(0, 1)
    // Mirrored where the sign is -1: 1 - u.
    const half = sign.sub(1).mul_(-0.5)
    const raised = unit.mul_(sign).add_(half).pow(exponent)
    return raised
      .mul_(sign)
      .add_(half)
      .mul_(range[1] - range[0])
      .add_(range[0])
  }
  const axes = spaceOf(x)
  const signed = x.mul(sign)
  const low = signed.amin(axes, true)
  const extent = signed.amax(axes, true).sub_(low).clamp_(SMALLEST_RANGE)
  const raised = signed.sub(low).div_(extent).pow(exponent).mul_(extent).add_(low)
  const statistics = (t: Tensor) =>
    [t.mean(axes, true), t.std(axes, { unbiased: false, keepdim: true })] as const
  const [mean, deviation] = statistics(signed)
  const [newMean, newDeviation] = statistics(raised)
  return raised.sub_(newMean).div_(newDeviation.clamp_(SMALLEST_RANGE)).mul_(deviation).add_(mean).mul_(sign)
}

/**
 * Changes values: noise, blur, brightness, contrast, low resolution, gamma, colour, grey, in this order, each on the
 * cases that have it. Where nothing is drawn, nothing changes.
 * @param images [N, C, ...size] float32. @param range values are cut to it at the end of each change; null: never.
 * @throws SeptumError `augment-colour` for colour changes of images without three channels.
 */
export function changeAppearance(
  images: Tensor,
  parameters: readonly (AppearanceParameters | undefined)[],
  range: ValueRange,
): Tensor {
  const pick = <K extends keyof AppearanceParameters>(kind: K) => parameters.map((one) => one?.[kind])
  const cut = (x: Tensor) => (range ? x.clamp_(...range) : x)
  const colourful = parameters.some((one) => one?.colour || one?.grey)
  if (colourful && (images.size(1) !== 3 || !range)) {
    throw new SeptumError(
      'augment-colour',
      `Colours cannot be changed in images of ${images.size(1)} channels${range ? '' : ' without a range of values'}`,
      'Leave colour and grey out of the recipe for this data set.',
      { option: 'appearance' },
    )
  }
  const cases = new ChosenCases(images)
  cases.change(pick('noise'), (x, all) => {
    const seeds = all.map(({ seed }) => seed)
    const deviations = all.map(({ std }) => std)
    const field = noiseField(seeds, x.numel / all.length, x.device).view(x.shape)
    return cut(field.mul(column(deviations, x)).add_(x))
  })
  const sigmas = pick('blur').map((one) => one?.sigma)
  cases.change(sigmas, blur)
  const factors = pick('brightness').map((one) => one?.factor)
  cases.change(factors, (x, all) => cut(x.mul(column(all, x))))
  const contrasts = pick('contrast').map((one) => one?.factor)
  cases.change(contrasts, (x, all) => contrast(x, all, range))
  cases.change(pick('lowResolution'), (x, all) =>
    cat(all.map(({ zoom }, index) => lowResolution(x.narrow(0, index, 1), zoom))),
  )
  cases.change(pick('gamma'), (x, all) => gamma(x, all, range))
  cases.change(pick('colour'), jitterColour)
  cases.change(pick('grey'), toGrey)
  return cases.result
}
