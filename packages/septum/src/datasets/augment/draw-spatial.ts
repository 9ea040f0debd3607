import { Random, SeptumError } from '@septum/core'
import type { AugmentationRecipe } from '../../methods/method.js'
import type { DrawPlace } from './place.js'

/** A free deformation; its control points are a function of the seed. */
export interface ElasticParameters {
  readonly seed: number
  /** Distance of control points and largest shift of one along an axis, in samples of the finest axis. */
  readonly spacing: number
  readonly magnitude: number
}

/** Geometry beyond flips and turns in the plane: plain numbers. */
export interface SpatialParameters {
  readonly flipDepth: boolean
  /** Rotations in degrees about the vertical and the horizontal axis of a slice; none in two dimensions. */
  readonly tilt: readonly [number, number]
  /** Factor of each axis, in array order; above 1 enlarges. */
  readonly scale: readonly number[]
  readonly elastic: ElasticParameters | null
}

export interface DrawnSpatial extends SpatialParameters {
  /** Whether free rotation applies at all. */
  readonly turns: boolean
  /** Uniform in [0, 1): where along the depth axis a crop lies. */
  readonly depthDraw: number
}

const SPATIAL_STREAM = 0xa7
const DRAWS = 8
/** Below this a cubic B-spline is one to one in three dimensions: 1 / 2.479 (Choi and Lee 2000); 1 / 2.046 in two. */
const LARGEST_SHIFT = 0.4

/** Whether a recipe has anything that `drawSpatial` decides. */
export const needsSpatial = (recipe: AugmentationRecipe, dimensions: number): boolean =>
  dimensions === 3 ||
  recipe.scale !== undefined ||
  recipe.elastic !== undefined ||
  recipe.rotateProbability !== undefined

/**
 * Draws scale, deformation and what only volumes have: a function of its arguments only.
 * @throws SeptumError `augment-recipe` for a deformation that could fold.
 */
export function drawSpatial(
  recipe: AugmentationRecipe,
  dimensions: number,
  { seed, stream = 0, step, index }: DrawPlace,
): DrawnSpatial {
  const { flipDepth = 0, tiltDegrees = [0, 0], rotateProbability = 1, scale, elastic } = recipe
  if (elastic && elastic.magnitude[1] > LARGEST_SHIFT * elastic.spacing) {
    throw new SeptumError(
      'augment-recipe',
      `Control points ${elastic.spacing} samples apart that move by ${elastic.magnitude[1]} can fold the image`,
      `Give at most ${LARGEST_SHIFT} spacings as the largest magnitude.`,
      { option: 'elastic' },
    )
  }
  const random = new Random(seed, SPATIAL_STREAM + 256 * stream, step, index)
  const block = (number: number) => {
    random.position = number * DRAWS
  }
  const between = (from: number, to: number) => from + random.uniform() * (to - from)
  block(0)
  const depthDraw = random.uniform()
  const mirrored = random.uniform() < flipDepth
  block(1)
  const turns = random.uniform() < rotateProbability
  const tilt = tiltDegrees.map((most) => (turns && dimensions === 3 ? between(-most, most) : 0) + 0)
  block(2)
  const scales = scale !== undefined && random.uniform() < scale.probability
  const common = scales ? between(...scale.factor) : 1
  const factors = Array.from({ length: dimensions }, () =>
    scales && scale.separate ? between(...scale.factor) : common,
  )
  block(3)
  const bends = elastic !== undefined && random.uniform() < elastic.probability
  return {
    turns,
    depthDraw,
    flipDepth: mirrored && dimensions === 3,
    tilt: [tilt[0]!, tilt[1]!],
    scale: factors,
    elastic: bends
      ? { magnitude: between(...elastic.magnitude), spacing: elastic.spacing, seed: random.int(2 ** 31) }
      : null,
  }
}
