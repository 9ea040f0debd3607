import { z } from 'zod'

export const unetOptions = z.object({
  widths: z
    .array(z.int().min(1))
    .min(2)
    .default([64, 128, 256, 512, 1024])
    .describe('channels of each level; the size halves between levels'),
  upsampling: z
    .enum(['conv', 'linear'])
    .default('conv')
    .describe('conv: nearest x2 and a 3x3 convolution; linear: bilinear or trilinear without parameters'),
  deepSupervision: z
    .boolean()
    .default(false)
    .describe('a loss at every decoder level, weights 1, 1/2, 1/4, ...'),
  steps: z.int().min(1).default(20_000),
  batchSize: z.int().min(1).default(8),
  optimizer: z.enum(['adam', 'adamw', 'sgd']).default('adam'),
  lr: z.number().positive().default(1e-3),
  weightDecay: z.number().min(0).default(0),
  schedule: z.enum(['constant', 'cosine', 'polynomial']).default('cosine'),
  clipNorm: z.number().positive().nullable().default(null),
  ema: z.number().min(0).max(1).nullable().default(null),
  flip: z.number().min(0).max(1).default(0.5),
  rotateDegrees: z.number().min(0).max(180).default(30),
  intensity: z.number().min(0).max(1).default(0),
})

export type UnetOptions = z.infer<typeof unetOptions>
