import { z } from 'zod'
import { levelEncoderOptions } from '../../blocks/level-encoder.js'
import { recipeOptions } from '../mask-recipe.js'

export const attentionUnetOptions = z.object({
  ...levelEncoderOptions,
  widths: levelEncoderOptions.widths.default([64, 128, 256, 512, 1024]),
  gate: z
    .enum(['pixel', 'grid', 'none'])
    .default('pixel')
    .describe(
      'pixel: gate after up-sampling, as two-dimensional code has it; grid: as in the paper, on half the size and from the coarser map; none: a plain U-Net',
    ),
  // Released code (3-D): Adam 1e-4 with decay 1e-6, batch 2, Dice. Cross-entropy, steps and batch are ours.
  ...recipeOptions({ batchSize: 8, optimizer: 'adam', lr: 1e-4, weightDecay: 1e-6, schedule: 'constant' }),
})

export type AttentionUnetOptions = z.infer<typeof attentionUnetOptions>
