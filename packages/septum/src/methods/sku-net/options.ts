import { z } from 'zod'
import { recipeOptions } from '../mask-recipe.js'

export const skuNetOptions = z
  .object({
    widths: z
      .array(z.int().min(2))
      .min(2)
      .max(8)
      .default([16, 32, 64, 128, 256])
      .describe('channels of the levels, fine to coarse'),
    compression: z
      .number()
      .positive()
      .max(1)
      .default(0.5)
      .describe('share of the channels between the two layers that choose a kernel'),
    gates: z.boolean().default(false).describe('skips pass a gate of one channel'),
    // The released code is the network alone, with Dice as its measure: loss, optimiser and steps are ours.
    ...recipeOptions({
      diceWeight: 1,
      bceWeight: 1,
      batchSize: 12,
      optimizer: 'adam',
      lr: 1e-3,
      schedule: 'polynomial',
    }),
  })
  .refine(
    ({ batchSize }) => batchSize > 1,
    'batchSize must be at least 2: a batch norm works on one number a channel and image',
  )

export type SkuNetOptions = z.infer<typeof skuNetOptions>
