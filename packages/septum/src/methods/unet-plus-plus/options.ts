import { z } from 'zod'
import { levelEncoderOptions } from '../../blocks/level-encoder.js'
import { recipeOptions } from '../mask-recipe.js'

export const unetPlusPlusOptions = z.object({
  ...levelEncoderOptions,
  widths: levelEncoderOptions.widths.default([32, 64, 128, 256, 512]),
  deepSupervision: z
    .boolean()
    .default(false)
    .describe('a head and a loss at every node of the finest level; the paper has both forms'),
  prediction: z
    .enum(['accurate', 'fast'])
    .default('accurate')
    .describe(
      'with deepSupervision; accurate: mean probability of all heads; fast: the head of `depth` alone, deeper nodes are not computed',
    ),
  depth: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe(
      'column whose head the fast prediction uses, from 1; null: the last, that is all of the network',
    ),
  // Zhou et al.: 0.5 cross-entropy + Dice for each head, summed; Adam 3e-4. Steps, batch and schedule are ours.
  ...recipeOptions({ bceWeight: 0.5, batchSize: 8, optimizer: 'adam', lr: 3e-4, schedule: 'constant' }),
})

export type UnetPlusPlusOptions = z.infer<typeof unetPlusPlusOptions>
