import { z } from 'zod'
import { encoderOption } from '../../blocks/backbones/index.js'
import { startOptions } from '../../blocks/start-weights.js'
import { structureRecipeOptions } from '../structure-recipe.js'

/** Defaults are those of the released code. */
export const pranetOptions = z.object({
  encoder: encoderOption
    .default('res2net50')
    .describe('image encoder; res2net50 is the paper; mobilenet-v2 has ImageNet weights out of the box'),
  ...startOptions,
  channels: z.int().min(8).default(32).describe('of receptive-field blocks and partial decoder'),
  attentionWidths: z
    .tuple([z.int().min(8), z.int().min(8), z.int().min(8)])
    .default([64, 64, 256])
    .describe('channels of reverse attention at strides 8, 16 and 32'),
  steps: z
    .int()
    .min(1)
    .default(5_187)
    .describe('optimiser steps; 19 epochs of 91 batches of 1450 polyp images, each batch at three sizes'),
  batchSize: z.int().min(1).default(16),
  ...structureRecipeOptions,
})

export type PraNetOptions = z.infer<typeof pranetOptions>
