import { z } from 'zod'
import type { MaskLossOptions } from '../losses/mask-loss.js'
import { clipValueOption } from './encoder-model.js'
import type { OptimizerRecipe, Phase, Task } from './method.js'

/** What a method's paper or code trains with; what is absent is our choice. */
export interface RecipeDefaults {
  readonly exclusive?: boolean
  readonly loss?: MaskLossOptions['loss']
  readonly diceWeight?: number
  readonly bceWeight?: number
  readonly dice?: MaskLossOptions['dice']
  readonly backgroundWeight?: number
  readonly steps?: number
  readonly batchSize: number
  readonly optimizer: OptimizerRecipe['kind']
  readonly lr: number
  readonly weightDecay?: number
  readonly schedule: 'constant' | 'cosine' | 'polynomial'
  readonly warmup?: number
  readonly rotateDegrees?: number
}

/** Options of loss, optimiser and augmentation of a method that gives one mask, with its defaults. */
export const recipeOptions = (defaults: RecipeDefaults) => ({
  exclusive: z
    .boolean()
    .default(defaults.exclusive ?? false)
    .describe(
      'several classes share a soft-max with background, in place of one sigmoid map each; regions, which overlap, never do',
    ),
  loss: z
    .enum(['dice-bce', 'structure'])
    .default(defaults.loss ?? 'dice-bce')
    .describe(
      'dice-bce: sum of both; structure: IoU and cross-entropy weighted along contours (PraNet, M2SNet)',
    ),
  diceWeight: z
    .number()
    .min(0)
    .default(defaults.diceWeight ?? 1)
    .describe('of Dice in dice-bce'),
  bceWeight: z
    .number()
    .min(0)
    .default(defaults.bceWeight ?? 1)
    .describe('of cross-entropy in dice-bce'),
  dice: z
    .enum(['case', 'batch', 'batch-squared'])
    .default(defaults.dice ?? 'case')
    .describe('one fraction a case, one a class over the batch, or the latter with squares below the line'),
  backgroundWeight: z
    .number()
    .positive()
    .default(defaults.backgroundWeight ?? 1)
    .describe('of background pixels in the cross-entropy of dice-bce; foreground counts 1'),
  structureBce: z
    .enum(['weighted', 'released'])
    .default('weighted')
    .describe('cross-entropy of structure weighted as meant, or its plain mean as released code computes it'),
  steps: z
    .int()
    .min(1)
    .default(defaults.steps ?? 20_000),
  batchSize: z.int().min(1).default(defaults.batchSize),
  optimizer: z.enum(['adam', 'adamw', 'sgd']).default(defaults.optimizer).describe('sgd has momentum 0.9'),
  lr: z.number().positive().default(defaults.lr),
  weightDecay: z
    .number()
    .min(0)
    .default(defaults.weightDecay ?? 0),
  schedule: z.enum(['constant', 'cosine', 'polynomial']).default(defaults.schedule),
  warmup: z
    .number()
    .min(0)
    .max(1)
    .default(defaults.warmup ?? 0)
    .describe('share of the steps in which the rate grows'),
  clipNorm: z.number().positive().nullable().default(null),
  clipValue: clipValueOption.default(null),
  ema: z.number().min(0).max(1).nullable().default(null),
  flip: z.number().min(0).max(1).default(0.5),
  rotateDegrees: z
    .number()
    .min(0)
    .max(180)
    .default(defaults.rotateDegrees ?? 30),
  intensity: z.number().min(0).max(1).default(0),
})

const recipeSchema = z.object(recipeOptions({ batchSize: 1, optimizer: 'sgd', lr: 1, schedule: 'constant' }))
export type RecipeOptions = z.infer<typeof recipeSchema>

/** Maps that a network gives: one a class and, for a soft-max, one for background before them. Regions overlap: no soft-max. */
export function mapCount({ exclusive }: Pick<RecipeOptions, 'exclusive'>, task: Task): number {
  const classes = task.classes.length
  return exclusive && classes > 1 && !task.regions ? classes + 1 : classes
}

/** Everything of a phase that follows from the options. */
export function recipeOf(
  options: RecipeOptions,
  task: Task,
  rate?: OptimizerRecipe['rate'],
): Pick<Phase, 'steps' | 'batchSize' | 'accumulate' | 'augmentation' | 'optimizer'> {
  return {
    steps: options.steps,
    batchSize: options.batchSize,
    accumulate: 1,
    augmentation: {
      flipHorizontal: options.flip,
      flipVertical: options.flip,
      rotateDegrees: options.rotateDegrees,
      rotate90: false,
      crop: task.imageSize,
      cropAt: 'centre',
      intensity: options.intensity,
    },
    optimizer: {
      kind: options.optimizer,
      lr: options.lr,
      momentum: 0.9,
      weightDecay: options.weightDecay,
      ...(rate ? { rate } : {}),
      schedule:
        options.schedule === 'polynomial'
          ? { kind: 'polynomial', power: 0.9 }
          : options.schedule === 'cosine'
            ? { kind: 'cosine', end: 0.01 }
            : { kind: 'constant' },
      warmup: options.warmup,
      clipNorm: options.clipNorm,
      clipValue: options.clipValue,
      ema: options.ema,
    },
  }
}
