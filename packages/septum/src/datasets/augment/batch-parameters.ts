import type { AugmentationRecipe } from '../../methods/method.js'
import { type AppearanceParameters, drawAppearance } from './draw-appearance.js'
import { drawMix, type MixParameters } from './mix.js'
import { type CaseParameters, centreParameters, drawParameters } from './parameters.js'
import type { DrawPlace } from './place.js'
import { batchRepeats, drawSize } from './sizes.js'

type Size = readonly number[]

/** One strong view of a batch of unlabelled images. */
export interface ViewParameters {
  readonly appearance: readonly AppearanceParameters[]
  readonly mixes: readonly (MixParameters | null)[]
}

/** All that was drawn for a batch: plain data, so that a batch of a log can be made again. */
export interface BatchParameters {
  readonly number: number
  /** Names of the cases in batch order. */
  readonly names: readonly string[]
  readonly cases: readonly CaseParameters[]
  readonly mixes: readonly (MixParameters | null)[]
  /** Size that the network sees in this batch. */
  readonly size: Size
  readonly unlabelled?: {
    readonly names: readonly string[]
    readonly cases: readonly CaseParameters[]
    readonly views: readonly ViewParameters[]
  }
}

/** A case of a batch before anything is drawn: its name and the size of its image. */
export interface Source {
  readonly name: string
  readonly size: Size
}

export interface BatchPlace {
  readonly seed: number
  readonly stream?: number
  /** Number of the batch. */
  readonly number: number
}

/** Draws of unlabelled images are those of positions from here on, apart from the labelled ones. */
const UNLABELLED = 2 ** 20

/**
 * Draws everything for a batch: a function of its arguments only.
 * @param recipe none: centre crops. @param size of the crops, [H, W] or [D, H, W].
 */
export function drawBatch(
  recipe: AugmentationRecipe | undefined,
  sources: readonly Source[],
  unlabelled: readonly Source[],
  size: Size,
  { seed, stream = 0, number }: BatchPlace,
): BatchParameters {
  const step = Math.floor(number / batchRepeats(recipe?.multiScale))
  const base = { seed, stream, step }
  const draw = (source: Source, index: number): CaseParameters => {
    if (!recipe) return centreParameters(source.size, size)
    const crops = recipe.crop ? recipe : { ...recipe, cropAt: 'centre' as const }
    return drawParameters(crops, source.size, size, { ...base, index })
  }
  const views = recipe?.unlabelled
  return {
    number,
    names: sources.map(({ name }) => name),
    cases: sources.map(draw),
    mixes: drawMix(recipe?.mix, sources.length, size, base),
    size: drawSize(recipe?.multiScale, size, seed, stream, number),
    ...(views && unlabelled.length > 0
      ? {
          unlabelled: {
            names: unlabelled.map(({ name }) => name),
            cases: unlabelled.map((source, index) => withoutAppearance(draw(source, UNLABELLED + index))),
            views: Array.from({ length: views.views }, (_, k) => {
              const at = (index: number): DrawPlace => ({ ...base, index: UNLABELLED + index })
              return {
                appearance: unlabelled.map((_source, index) =>
                  drawAppearance(views.appearance, at(index), k + 1),
                ),
                mixes: drawMix(views.mix, unlabelled.length, size, base, k + 1),
              }
            }),
          },
        }
      : {}),
  }
}

/** Weak views change in geometry only. */
function withoutAppearance({ appearance: _, ...rest }: CaseParameters): CaseParameters {
  return { ...rest, brightness: 1, contrast: 1 }
}
