import { z } from 'zod'
import { recipeOptions } from '../mask-recipe.js'

const perLevel = 'of levels 1 to 4; level 0 is the finest'

export const utnetOptions = z
  .object({
    baseChannels: z.int().min(1).default(32).describe('channels of level 0; they double with every level'),
    attentionLevels: z
      .array(z.int().min(0).max(4))
      .default([1, 2, 3, 4])
      .describe('levels with attention; others have convolutions only'),
    blocks: z
      .array(z.int().min(1))
      .length(4)
      .default([1, 1, 1, 1])
      .describe(`attention blocks in the encoder, ${perLevel}; level 0 has one if it has attention`),
    heads: z.int().min(1).default(4),
    reducedSide: z.int().min(1).default(8).describe('keys and values are resized to this side'),
    dropout: z.number().min(0).max(1).default(0.1).describe('of attention weights and of attention results'),
    decoderAttention: z
      .boolean()
      .default(true)
      .describe('attention in the decoder too; false is the encoder-only form of the released code'),
    auxiliary: z
      .boolean()
      .default(false)
      .describe('heads at 1/2, 1/4 and 1/8 of the size too, with auxiliaryWeights'),
    auxiliaryWeights: z.array(z.number().min(0)).length(3).default([0.4, 0.2, 0.1]),
    // Released code: SGD 0.05, decay 1e-4, batch 32, 5 of 150 epochs of warm-up, background at 0.5, Dice over the
    // batch, rotation by up to 180 degrees. Steps are ours.
    ...recipeOptions({
      exclusive: true,
      dice: 'batch',
      backgroundWeight: 0.5,
      batchSize: 32,
      optimizer: 'sgd',
      lr: 0.05,
      weightDecay: 1e-4,
      schedule: 'polynomial',
      warmup: 5 / 150,
      rotateDegrees: 180,
    }),
  })
  .refine(({ baseChannels, heads, attentionLevels }) => {
    // Attention of the encoder at level i has base 2^i channels.
    return attentionLevels.every((level) => (baseChannels * 2 ** level) % heads === 0)
  }, 'heads must divide the channels of every level with attention')

export type UtnetOptions = z.infer<typeof utnetOptions>
