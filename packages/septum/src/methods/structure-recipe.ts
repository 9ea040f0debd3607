import { z } from 'zod'
import { clipValueOption, decayOptions, scheduleOf, scheduleOption } from './encoder-model.js'
import type { Phase, Task } from './method.js'

/**
 * Options of PraNet's training, which Inf-Net and BCS-Net follow: structure loss, Adam at 1e-4, no augmentation but
 * three sizes. Defaults are those of PraNet's released code.
 */
export const structureRecipeOptions = {
  bce: z
    .enum(['weighted', 'released'])
    .default('weighted')
    .describe(
      'cross-entropy weighted along contours as meant, or its plain mean as the released code computes it',
    ),
  stretch: z
    .boolean()
    .default(false)
    .describe(
      'stretch each predicted map to [0, 1], as the released test code does; then every image gets a mask, empty ones too',
    ),
  lr: z.number().positive().default(1e-4).describe('of Adam'),
  encoderRate: z.number().positive().default(1).describe('factor on the learning rate of the encoder'),
  schedule: scheduleOption.default('constant'),
  ...decayOptions,
  warmup: z.number().min(0).max(1).default(0).describe('share of the steps in which the rate grows'),
  weightDecay: z.number().min(0).default(0),
  clipNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('largest norm of the gradient; null: any'),
  clipValue: clipValueOption.default(0.5),
  ema: z.number().min(0).max(1).nullable().default(null),
  flip: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('probability of a mirror image along each axis; the paper has none'),
  rotateDegrees: z.number().min(0).max(180).default(0),
  sizes: z
    .array(z.number().positive().max(2))
    .min(1)
    .default([0.75, 1, 1.25])
    .describe(
      'every batch is used once at each of these shares of the image size, rounded to 32; [1]: that size alone',
    ),
}

/** What {@link structureRecipeOptions} and a method's own `steps` and `batchSize` make. */
export interface StructureRecipe
  extends z.infer<z.ZodObject<Omit<typeof structureRecipeOptions, 'bce' | 'stretch'>>> {
  readonly steps: number
  readonly batchSize: number
}

/** Steps, optimiser and augmentation of PraNet's training. */
export function structureRecipe(
  options: StructureRecipe,
  task: Task,
): Pick<Phase, 'steps' | 'batchSize' | 'optimizer' | 'augmentation'> {
  return {
    steps: options.steps,
    batchSize: options.batchSize,
    augmentation: {
      flipHorizontal: options.flip,
      flipVertical: options.flip,
      rotateDegrees: options.rotateDegrees,
      rotate90: false,
      crop: task.imageSize,
      cropAt: 'centre',
      intensity: 0,
      multiScale: { rates: options.sizes, multiple: 32, order: 'each' },
    },
    optimizer: {
      kind: 'adam',
      lr: options.lr,
      weightDecay: options.weightDecay,
      rate: (name) => (name.includes('.resnet.') ? options.encoderRate : 1),
      schedule: scheduleOf(options.schedule, options),
      warmup: options.warmup,
      clipNorm: options.clipNorm,
      clipValue: options.clipValue,
      ema: options.ema,
    },
  }
}
