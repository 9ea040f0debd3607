import { z } from 'zod'
import { encoderOption } from '../../blocks/backbones/index.js'
import { startOptions } from '../../blocks/start-weights.js'
import { structureRecipeOptions } from '../structure-recipe.js'

/** The network is that of the released code; how it was trained is not in it, so that training is PraNet's. */
export const bcsnetOptions = z.object({
  encoder: encoderOption
    .default('res2net50')
    .describe('image encoder; res2net50 is the paper; mobilenet-v2 has ImageNet weights out of the box'),
  ...startOptions,
  channels: z.int().min(8).default(32).describe('of receptive-field blocks and semantic guidance'),
  decoderWidths: z
    .tuple([z.int().min(8), z.int().min(8)])
    .default([64, 256])
    .describe('narrow and wide channels of the boundary unit and the reconstruction'),
  boundaryWeight: z
    .number()
    .min(0)
    .default(1)
    .describe('of the boundary map in the sum of losses; our choice'),
  steps: z
    .int()
    .min(1)
    .default(5_700)
    .describe(
      'optimiser steps; 50 epochs of 38 batches of 894 slices, each batch at three sizes; our choice',
    ),
  batchSize: z.int().min(1).default(24).describe("Inf-Net's; our choice"),
  ...structureRecipeOptions,
})

export type BcsNetOptions = z.infer<typeof bcsnetOptions>
