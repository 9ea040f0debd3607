import { Random } from '@septum/core'
import type { AugmentationRecipe } from '../../methods/method.js'
import { type AppearanceParameters, drawAppearance } from './draw-appearance.js'
import { drawSpatial, needsSpatial, type SpatialParameters } from './draw-spatial.js'
import { centreOffset, type DrawPlace } from './place.js'

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
  /** The same along the depth axis of a volume. */
  readonly front?: number
  /** Factor on all values, and factor on their distance from the image's mean. */
  readonly brightness: number
  readonly contrast: number
  /** Present where the recipe or a third axis asks for it. */
  readonly spatial?: SpatialParameters
  readonly appearance?: AppearanceParameters
}

/** [H, W] or [D, H, W]. */
type Size = readonly number[]

/** Keeps the draws of augmentation apart from those of the case order. */
const AUGMENTATION_STREAM = 0xa6

/** A centre crop and nothing else: validation, test, and training without augmentation. */
export function centreParameters(source: Size, size: Size): CaseParameters {
  const at = (axis: number) => centreOffset(source.at(axis)!, size.at(axis)!)
  return {
    flipHorizontal: false,
    flipVertical: false,
    degrees: 0,
    quarterTurns: 0,
    top: at(-2),
    left: at(-1),
    ...(source.length === 3 ? { front: at(-3) } : {}),
    brightness: 1,
    contrast: 1,
  }
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
  where: DrawPlace,
): CaseParameters {
  const { seed, stream = 0, step, index } = where
  const random = new Random(seed, AUGMENTATION_STREAM + 256 * stream, step, index)
  const plusMinus = (most: number) => (2 * random.uniform() - 1) * most
  const flipHorizontal = random.uniform() < recipe.flipHorizontal
  const flipVertical = random.uniform() < recipe.flipVertical
  const turned = plusMinus(recipe.rotateDegrees)
  const turns = random.int(4)
  const place = (axis: number, drawn: number) => {
    const [outer, inner] = [source.at(axis)!, size.at(axis)!]
    const room = outer - inner
    return recipe.cropAt === 'random' && room > 0
      ? Math.floor(drawn * (room + 1))
      : centreOffset(outer, inner)
  }
  const top = place(-2, random.uniform())
  const left = place(-1, random.uniform())
  const brightness = 1 + plusMinus(recipe.intensity)
  const contrast = 1 + plusMinus(recipe.intensity)
  const quarterTurns = recipe.rotate90 ? turns : 0
  const spatial = needsSpatial(recipe, source.length) ? drawSpatial(recipe, source.length, where) : undefined
  // A recipe without rotation gives plus or minus zero; the sign must not reach a stored batch.
  const degrees = (spatial?.turns === false ? 0 : turned) + 0
  const drawn = { flipHorizontal, flipVertical, degrees, quarterTurns, top, left, brightness, contrast }
  if (!spatial && !recipe.appearance) return drawn
  const { flipDepth, tilt, scale, elastic } = spatial ?? {}
  return {
    ...drawn,
    ...(spatial && source.length === 3 ? { front: place(-3, spatial.depthDraw) } : {}),
    ...(flipDepth !== undefined && tilt && scale && elastic !== undefined
      ? { spatial: { flipDepth, tilt, scale, elastic } }
      : {}),
    ...(recipe.appearance ? { appearance: drawAppearance(recipe.appearance, where) } : {}),
  }
}
