import { z } from 'zod'
import { recipeOptions } from '../mask-recipe.js'

export const resunetPlusPlusOptions = z.object({
  widths: z
    .array(z.int().min(1))
    .min(3)
    .max(8)
    .default([16, 32, 64, 128, 256])
    .describe('channels of the levels and, last, of the bridge'),
  ratio: z.int().min(1).default(8).describe('by which squeeze-and-excitation narrows'),
  dilations: z
    .array(z.int().min(1))
    .min(1)
    .default([6, 12, 18])
    .describe('of the pyramids of dilated convolutions; a plain one comes with them'),
  // Released code: Nadam 1e-4, Dice, batch 8, up to 200 epochs with early stopping. Steps are ours, and so is Adam.
  ...recipeOptions({ bceWeight: 0, batchSize: 8, optimizer: 'adam', lr: 1e-4, schedule: 'constant' }),
})

export type ResunetPlusPlusOptions = z.infer<typeof resunetPlusPlusOptions>
