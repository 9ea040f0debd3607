import { z } from 'zod'

const scales = z
  .array(z.int().min(1))
  .min(1)
  .refine((sides) => sides.every((side, i) => i === 0 || side > sides[i - 1]!), 'sides must grow')

/** Stage 1 (paper sheet, section 2): how a mask becomes token maps and back. */
export const autoencoderOptions = z.object({
  width: z.int().min(1).default(32).describe('channels of the finest level'),
  multipliers: z
    .array(z.int().min(1))
    .min(1)
    .default([1, 1, 2, 2, 4])
    .describe('width of each level; the size halves between levels'),
  blocks: z.int().min(1).default(2).describe('residual blocks of an encoder level; the decoder has one more'),
  normGroups: z
    .int()
    .min(1)
    .default(32)
    .describe('groups of every normalisation; narrow networks want fewer'),
  latentChannels: z.int().min(1).default(128).describe('channels between the convolutions and the quantiser'),
  codes: z.int().min(2).default(1024).describe('codebook entries V'),
  codeChannels: z.int().min(1).default(32).describe('channels of a codebook vector'),
  scales: scales
    .default([1, 2, 3, 4, 5, 6, 7, 8])
    .describe('sides of the token maps; the last is the latent side'),
  blend: z.number().min(0).max(1).default(0.5).describe('share of the shared convolutions in phi, rho'),
  sharedConvolutions: z.int().min(1).default(4).describe('convolutions phi that the scales share'),
  commitment: z.number().min(0).default(0.25).describe('weight of the commitment term, beta'),
  partialDecoding: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'share of steps that decode only the first scales, a random number of them: coarse scales then mean something by themselves; the sources have none',
    ),
  outputBias: z
    .number()
    .nullable()
    .default(null)
    .describe(
      'first value of the last bias; null keeps the usual one. Masks are mostly background: -4 makes the first steps useful',
    ),
  initFromData: z
    .boolean()
    .default(true)
    .describe('codebook starts from encoder vectors; N(0, 1) as in the sources collapses easily'),
  restartEvery: z
    .int()
    .min(0)
    .default(2000)
    .describe('steps after which unused codes are replaced by encoder vectors; 0: never, as in the sources'),
  steps: z.int().min(1).default(8500).describe('100 epochs of the 10,836 training crops at batch 128'),
  batchSize: z.int().min(1).default(128),
  lr: z.number().positive().default(1e-4),
  schedule: z.enum(['constant', 'cosine']).default('constant'),
  betas: z.tuple([z.number(), z.number()]).default([0.5, 0.9]),
  ema: z.number().min(0).max(1).nullable().default(null).describe('decay of the averaged weights'),
  emptyMasks: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'share of the empty masks that are kept in a batch; the others are drawn again from raters who marked something',
    ),
})

/** Stage 2 (sections 3 and 4): the image condition and the next-scale transformer. */
export const segmentorOptions = z.object({
  block: z
    .enum(['auto', 'gpt', 'var'])
    .default('auto')
    .describe('auto: gpt for one class, var (AdaLN, QK norm) for several'),
  depth: z.int().min(1).default(8),
  width: z.int().min(1).default(256),
  heads: z.int().min(1).default(8),
  dropout: z.number().min(0).max(1).default(0.1).describe('on embeddings, attention and residuals (gpt)'),
  levelEmbedding: z.boolean().default(true).describe('a learned vector per scale; the release has none'),
  positions: z
    .enum(['zeros', 'sine'])
    .default('sine')
    .describe('learned positions start at zero (the release) or at sines of where a token lies in the image'),
  imageAtTokens: z
    .boolean()
    .default(true)
    .describe(
      'adds the image features under a token to it; the release leaves finding them to attention, which takes long',
    ),
  context: z
    .enum(['all', 'previous'])
    .default('all')
    .describe('which scales a scale sees: all earlier ones (the paper) or only the previous (ablation)'),
  prefixSide: z.int().min(1).default(8).describe('the condition is a grid of this side: 64 prefix tokens'),
  encoderWidths: z
    .array(z.int().min(1))
    .min(1)
    .default([32, 64, 128, 256])
    .describe('levels of the own image encoder'),
  encoderBlocks: z.int().min(1).default(2),
  encoderNormGroups: z
    .int()
    .min(1)
    .default(32)
    .describe('groups of every normalisation; narrow encoders want fewer'),
  lowRank: z.boolean().default(false).describe('adds the low-rank (SVD) branch of the condition'),
  condMean: z.boolean().default(false).describe('adds the mean of the condition to the AdaLN vector (var)'),
  classDropout: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('share of steps with the "no class" token, for classifier-free guidance'),
  steps: z.int().min(1).default(135_000).describe('100 epochs of the 10,836 training crops at batch 8'),
  batchSize: z.int().min(1).default(8),
  lr: z.number().positive().default(3.6e-5),
  schedule: z.enum(['constant', 'cosine']).default('constant'),
  warmup: z.number().min(0).max(1).default(0.02),
  weightDecay: z.number().min(0).default(0.01),
  clipNorm: z.number().positive().nullable().default(1),
  ema: z.number().min(0).max(1).nullable().default(null),
})

/** Section 5: how one mask is drawn. */
export const samplingOptions = z.object({
  temperature: z
    .array(z.number().min(0))
    .min(1)
    .default([1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.1])
    .describe('per scale, coarse to fine; stretched when the number of scales differs'),
  topK: z.int().min(0).default(100).describe('0: all'),
  topP: z.number().positive().max(1).default(1).describe('nucleus; 1: off'),
  guidance: z
    .number()
    .min(0)
    .default(0)
    .describe('classifier-free guidance at the last scale; needs classDropout in training'),
  cache: z.boolean().default(true).describe('keys and values of earlier scales are kept'),
})

export const augmentationOptions = z.object({
  flip: z.number().min(0).max(1).default(0.5).describe('probability of each flip'),
  rotateDegrees: z.number().min(0).max(180).default(30),
  intensity: z.number().min(0).max(1).default(0),
})

export const arSegOptions = z.object({
  autoencoder: autoencoderOptions.prefault({}),
  segmentor: segmentorOptions.prefault({}),
  sampling: samplingOptions.prefault({}),
  augmentation: augmentationOptions.prefault({}),
})

export type AutoencoderOptions = z.infer<typeof autoencoderOptions>
export type SegmentorOptions = z.infer<typeof segmentorOptions>
export type SamplingOptions = z.infer<typeof samplingOptions>
export type ArSegOptions = z.infer<typeof arSegOptions>
