import { z } from 'zod'
import { encoderOption, encoderWidthOption } from '../../blocks/backbones/index.js'

const kernels = z
  .array(z.union([z.literal(1), z.literal(3), z.literal(5), z.literal(7)]))
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'a kernel comes once')

export const m2snetOptions = z.object({
  encoder: encoderOption
    .default('res2net50')
    .describe(
      'image encoder; res2net50 is the paper, its weights come with septum weights import FILE; mobilenet-v2 has ImageNet weights out of the box',
    ),
  encoderWidth: encoderWidthOption,
  pretrained: z
    .boolean()
    .default(true)
    .describe('start the encoder from published weights where they are at hand'),
  startFrom: z
    .string()
    .nullable()
    .default(null)
    .describe('weight file of a whole network to start from, e.g. the released M2SNet; null: none'),
  channels: z.int().min(8).default(64).describe('channels of the pyramid'),
  kernels: kernels
    .default([1, 3, 5])
    .describe('box sizes that differences are taken at; [1] is MSNet (paper: table 11)'),
  kernelShape: z
    .enum(['ones', 'gaussian'])
    .default('ones')
    .describe('fixed weights inside a box; gaussian is an ablation of the paper'),
  unit: z
    .enum(['released', 'paper', 'addition', 'aspp', 'denseaspp'])
    .default('released')
    .describe(
      'how two levels meet; released: box sums over all channels, normalised; paper: box means of each channel (equation 2); addition, aspp, denseaspp: ablations (tables 9 and 12)',
    ),
  normStatistics: z
    .enum(['each', 'shared'])
    .default('each')
    .describe(
      'running statistics of the norms that all units share; each: apart for every use; shared: as released, where evaluation lags behind training',
    ),
  order: z
    .int()
    .min(1)
    .max(5)
    .default(5)
    .describe('highest order of difference; 1 is a plain feature pyramid, 5 the whole one (table 9)'),
  deepSupervision: z
    .boolean()
    .default(false)
    .describe('a loss at every decoder level too; the paper has one map'),
  bce: z
    .enum(['weighted', 'released'])
    .default('weighted')
    .describe(
      'cross-entropy weighted along contours as meant, or its plain mean as the released code computes it',
    ),
  lossNet: z
    .enum(['vgg16', 'mobilenet-v2', 'none'])
    .default('mobilenet-v2')
    .describe(
      'features in which prediction and mask are compared too; vgg16 is the paper and needs imported weights, mobilenet-v2 is ours and has them',
    ),
  lossNetWeight: z.number().min(0).default(0.1).describe('of LossNet in the sum (released code)'),
  steps: z
    .int()
    .min(1)
    .default(4_500)
    .describe("optimiser steps; 50 epochs of the paper's 1450 polyp images"),
  batchSize: z.int().min(1).default(16),
  lr: z.number().positive().default(0.05).describe('largest learning rate of pyramid and decoder'),
  encoderRate: z
    .number()
    .positive()
    .default(0.1)
    .describe('factor on the learning rate of the encoder; 1 is what the released code does by a slip'),
  momentum: z.number().min(0).max(1).default(0.9),
  weightDecay: z.number().min(0).default(5e-4),
  warmup: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('share of the steps in which the rate grows; it then falls to 0'),
  clipNorm: z.number().positive().nullable().default(null),
  ema: z.number().min(0).max(1).nullable().default(null),
  flip: z.number().min(0).max(1).default(0.5).describe('probability of a mirror image, left to right'),
  rotateDegrees: z.number().min(0).max(180).default(10),
  sizes: z
    .array(z.number().positive().max(2))
    .min(1)
    .default([224 / 352, 256 / 352, 288 / 352, 320 / 352, 1])
    .describe('a batch has one of these shares of the image size, at random; [1]: always the whole size'),
})

export type M2SNetOptions = z.infer<typeof m2snetOptions>

/** MSNet: differences of pixels only. */
export const msnetOptions = m2snetOptions.extend({
  kernels: kernels.default([1]).describe('box sizes that differences are taken at; [1, 3, 5] is M2SNet'),
})
