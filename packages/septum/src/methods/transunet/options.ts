import { z } from 'zod'
import { recipeOptions } from '../mask-recipe.js'

export const transunetOptions = z
  .object({
    startFrom: z
      .string()
      .nullable()
      .default(null)
      .describe(
        "weight file (.pth, .safetensors) with TransUNet's names or those of timm's vit_base_r50_s16; null: random weights",
      ),
    pretrained: z
      .boolean()
      .default(true)
      .describe('start from the weights that septum weights import has kept, unless startFrom names others'),
    resnetWidth: z
      .int()
      .min(1)
      .default(64)
      .describe('channels of the stem; stages have 4, 8 and 16 times as many'),
    resnetUnits: z.array(z.int().min(1)).length(3).default([3, 4, 9]).describe('bottlenecks of each stage'),
    channels: z.int().min(1).default(768).describe('width of the transformer'),
    layers: z.int().min(1).default(12),
    heads: z.int().min(1).default(12),
    mlp: z.int().min(1).default(3072).describe('inner width of the MLPs'),
    dropout: z.number().min(0).max(1).default(0.1).describe('of embeddings and in the MLPs'),
    bridgeChannels: z.int().min(1).default(512).describe('channels that the decoder starts with'),
    decoderChannels: z.array(z.int().min(1)).length(4).default([256, 128, 64, 16]),
    skips: z.int().min(0).max(3).default(3).describe('decoder levels with a skip, from the coarsest on'),
    // Released code: half Dice, half cross-entropy; SGD 0.01, decay 1e-4, batch 24, 150 epochs of Synapse's 2211
    // slices (93 batches each).
    ...recipeOptions({
      exclusive: true,
      diceWeight: 0.5,
      bceWeight: 0.5,
      dice: 'batch-squared',
      steps: 13_950,
      batchSize: 24,
      optimizer: 'sgd',
      lr: 0.01,
      weightDecay: 1e-4,
      schedule: 'polynomial',
      rotateDegrees: 20,
    }),
  })
  .refine(({ channels, heads }) => channels % heads === 0, 'heads must divide channels')

export type TransunetOptions = z.infer<typeof transunetOptions>
