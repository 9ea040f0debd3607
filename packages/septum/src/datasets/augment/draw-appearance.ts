import { Random } from '@septum/core'
import type { AppearanceRecipe, Range } from '../../methods/method.js'
import type { DrawPlace } from './place.js'

/** What happens to the values of one case: plain numbers, only what does happen. */
export interface AppearanceParameters {
  /** Standard deviation, and the seed that the field of noise is a function of. */
  readonly noise?: { readonly std: number; readonly seed: number }
  readonly blur?: { readonly sigma: number }
  readonly brightness?: { readonly factor: number }
  readonly contrast?: { readonly factor: number }
  readonly lowResolution?: { readonly zoom: number }
  readonly gamma?: { readonly exponent: number; readonly invert: boolean }
  /** Factors, and the shift of hue in turns. */
  readonly colour?: {
    readonly brightness: number
    readonly contrast: number
    readonly saturation: number
    readonly hue: number
  }
  readonly grey?: true
}

const APPEARANCE_STREAM = 0xa9
/** Positions of the generator that each change owns, so that switching one off leaves the others as they were. */
const DRAWS = 8

/**
 * Draws changes of appearance for one case: a function of its arguments only.
 * @param view 0 for the training image itself; strong views of an unlabelled image count from 1.
 */
export function drawAppearance(
  recipe: AppearanceRecipe,
  { seed, stream = 0, step, index }: DrawPlace,
  view = 0,
): AppearanceParameters {
  const random = new Random(seed, APPEARANCE_STREAM + 256 * stream, step, index, view)
  const chosen = (change: number, probability: number | undefined): boolean => {
    random.position = change * DRAWS
    return random.uniform() < (probability ?? 0)
  }
  const between = ([from, to]: Range) => from + random.uniform() * (to - from)
  const around = (most: number) => 1 + (2 * random.uniform() - 1) * most
  const { noise, blur, brightness, contrast, lowResolution, gamma, colour, grey } = recipe
  return {
    ...(noise && chosen(0, noise.probability)
      ? { noise: { std: between(noise.std), seed: random.int(2 ** 31) } }
      : {}),
    ...(blur && chosen(1, blur.probability) ? { blur: { sigma: between(blur.sigma) } } : {}),
    ...(brightness && chosen(2, brightness.probability)
      ? { brightness: { factor: between(brightness.factor) } }
      : {}),
    ...(contrast && chosen(3, contrast.probability)
      ? { contrast: { factor: between(contrast.factor) } }
      : {}),
    ...(lowResolution && chosen(4, lowResolution.probability)
      ? { lowResolution: { zoom: between(lowResolution.zoom) } }
      : {}),
    ...(gamma && chosen(5, gamma.probability)
      ? { gamma: { exponent: between(gamma.exponent), invert: random.uniform() < (gamma.invert ?? 0) } }
      : {}),
    ...(colour && chosen(6, colour.probability)
      ? {
          colour: {
            brightness: around(colour.brightness),
            contrast: around(colour.contrast),
            saturation: around(colour.saturation),
            hue: around(colour.hue) - 1,
          },
        }
      : {}),
    ...(chosen(7, grey) ? { grey: true as const } : {}),
  }
}
