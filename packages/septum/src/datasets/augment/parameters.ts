import { Random } from '@septum/core'
import type { AugmentationRecipe } from '../../methods/method.js'

/** What happens to one case: plain numbers, so that a batch can be stored, replayed and shown. */
export interface CaseParameters {
  readonly flipHorizontal: boolean
  readonly flipVertical: boolean
  /** Counter-clockwise as seen, about the centre of the window. */
  readonly degrees: number
  /** Counter-clockwise quarter turns after the rotation, 0 to 3. */
  readonly quarterTurns: number
  /** Upper left corner of the crop in the source image, before it is turned; negative where it is padded. */
  readonly top: number
  readonly left: number
  /** Factor on all values, and factor on their distance from the image's mean. */
  readonly brightness: number
  readonly contrast: number
}

type Size = readonly [height: number, width: number]

/** Keeps the draws of augmentation apart from those of the case order. */
const AUGMENTATION_STREAM = 0xa6

/** Offset of a centre crop of `inner` in `outer`; negative when the image is smaller and must be padded. */
export const centreOffset = (outer: number, inner: number): number => Math.floor((outer - inner) / 2)

/** A centre crop and nothing else: validation, test, and training without augmentation. */
export function centreParameters(source: Size, size: Size): CaseParameters {
  return {
    flipHorizontal: false,
    flipVertical: false,
    degrees: 0,
    quarterTurns: 0,
    top: centreOffset(source[0], size[0]),
    left: centreOffset(source[1], size[1]),
    brightness: 1,
    contrast: 1,
  }
}

/** Where in a training run a draw is made. */
export interface DrawPlace {
  readonly seed: number
  /** Number of the training phase. */
  readonly stream?: number
  /** Number of the batch. */
  readonly step: number
  /** Position in the batch. */
  readonly index: number
}

/**
 * Draws the parameters of case number `index` of batch `step`: a function of its arguments only. Every
 * transform takes its draws whether it is switched on or not, so that switching one off leaves the others
 * as they were.
 * @param source size of the image. @param size size of the crop.
 */
export function drawParameters(
  recipe: AugmentationRecipe,
  source: Size,
  size: Size,
  { seed, stream = 0, step, index }: DrawPlace,
): CaseParameters {
  const random = new Random(seed, AUGMENTATION_STREAM + 256 * stream, step, index)
  const plusMinus = (most: number) => (2 * random.uniform() - 1) * most
  const flipHorizontal = random.uniform() < recipe.flipHorizontal
  const flipVertical = random.uniform() < recipe.flipVertical
  const degrees = plusMinus(recipe.rotateDegrees)
  const turns = random.int(4)
  const place = (outer: number, inner: number) => {
    const drawn = random.uniform()
    const room = outer - inner
    return recipe.cropAt === 'random' && room > 0
      ? Math.floor(drawn * (room + 1))
      : centreOffset(outer, inner)
  }
  const top = place(source[0], size[0])
  const left = place(source[1], size[1])
  const brightness = 1 + plusMinus(recipe.intensity)
  const contrast = 1 + plusMinus(recipe.intensity)
  const quarterTurns = recipe.rotate90 ? turns : 0
  // A recipe without rotation gives plus or minus zero; the sign must not reach a stored batch.
  return { flipHorizontal, flipVertical, degrees: degrees + 0, quarterTurns, top, left, brightness, contrast }
}

/**
 * Size of the window to cut around a crop of `size` so that no turn of the recipe looks beyond it: the
 * diagonal for free rotation, the longer side for quarter turns. It exceeds the crop by an even number.
 * @param largest size of the largest source image; nothing lies beyond it, so the window may end there.
 */
export function windowSize(recipe: AugmentationRecipe | undefined, size: Size, largest: Size): Size {
  const reach = recipe?.rotateDegrees
    ? Math.ceil(Math.hypot(...size)) + 2
    : recipe?.rotate90
      ? Math.max(...size)
      : 0
  const side = (crop: number) => {
    const limit = recipe?.cropAt === 'random' ? 2 * Math.max(...largest) : Math.max(...largest)
    const wanted = Math.max(crop, Math.min(reach, limit))
    return wanted + ((wanted - crop) % 2)
  }
  return [side(size[0]), side(size[1])]
}
