import { z } from 'zod'
import { recipeOptions } from '../mask-recipe.js'

export const nuNetOptions = z.object({
  widths: z
    .array(z.int().min(2))
    .min(3)
    .max(8)
    .default([64, 128, 128, 256, 256, 512, 512, 1024])
    .describe('channels of the levels, fine to coarse; eight as published'),
  // Released code: cross-entropy, Adam 1e-3, batches of 10 to 12, 50 epochs of images that were augmented beforehand.
  // Steps are ours.
  ...recipeOptions({
    diceWeight: 0,
    bceWeight: 1,
    batchSize: 12,
    optimizer: 'adam',
    lr: 1e-3,
    schedule: 'constant',
  }),
})

export type NuNetOptions = z.infer<typeof nuNetOptions>
