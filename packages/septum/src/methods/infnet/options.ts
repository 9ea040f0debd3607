import { z } from 'zod'
import { encoderOption } from '../../blocks/backbones/index.js'
import { startOptions } from '../../blocks/start-weights.js'
import { structureRecipeOptions } from '../structure-recipe.js'

/** Defaults are those of the released code. */
export const infnetOptions = z.object({
  encoder: encoderOption
    .default('res2net50')
    .describe('image encoder; res2net50 is the paper; mobilenet-v2 has ImageNet weights out of the box'),
  ...startOptions,
  channels: z.int().min(8).default(32).describe('of receptive-field blocks and partial decoder'),
  attentionWidths: z
    .tuple([z.int().min(8), z.int().min(8), z.int().min(8)])
    .default([64, 64, 256])
    .describe('channels of reverse attention at strides 8, 16 and 32'),
  edgeChannels: z.int().min(8).default(64).describe('of the edge branch, which reads the level at stride 4'),
  edgeWeight: z.number().min(0).default(1).describe('of the edge map in the sum of losses'),
  semi: z
    .boolean()
    .default(false)
    .describe(
      'Semi-Inf-Net: two more phases, pseudo (labelled images, and unlabelled ones as they join) and tune (labelled ones)',
    ),
  pseudo: z
    .object({
      steps: z
        .int()
        .min(1)
        .default(10_000)
        .describe('ours; the released loop takes some 460,000 for 1600 slices'),
      groups: z
        .int()
        .min(1)
        .default(320)
        .describe('in which unlabelled images join, and after which pseudo-labels are made anew'),
      batchSize: z.int().min(1).default(8).describe('labelled images of a batch'),
      unlabelled: z.int().min(1).default(8).describe('unlabelled images of a batch'),
      lr: z.number().positive().default(3e-4),
    })
    .prefault({})
    .describe('phase of progressive pseudo-labels, with semi'),
  tune: z
    .object({
      steps: z.int().min(1).default(450),
      batchSize: z.int().min(1).default(24),
      lr: z.number().positive().default(1e-4),
    })
    .prefault({})
    .describe('last phase on labelled images, with semi'),
  steps: z
    .int()
    .min(1)
    .default(450)
    .describe(
      'optimiser steps; 50 epochs of 3 batches of the 50 slices of the paper, each batch at three sizes; the released code then lowers its rate tenfold in every further epoch, which ends training there',
    ),
  batchSize: z.int().min(1).default(24),
  ...structureRecipeOptions,
})

export type InfNetOptions = z.infer<typeof infnetOptions>
