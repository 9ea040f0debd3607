import { z } from 'zod'
import { dropPathOption, encoderOption, encoderWidthOption } from '../../blocks/backbones/index.js'
import { clipValueOption, decayOptions } from '../encoder-model.js'
import { withPreset } from './presets.js'

const kernels = z
  .array(z.union([z.literal(1), z.literal(3), z.literal(5), z.literal(7)]))
  .min(1)
  .refine((list) => new Set(list).size === list.length, 'a kernel comes once')

const fields = z.object({
  recipe: z
    .enum(['paper', 'unified', 'nnunet'])
    .default('paper')
    .describe(
      'sets the defaults of others: paper; unified: one network for several data sets (table 8); nnunet: the nnU-Net framework (table 7)',
    ),
  task: z
    .enum(['polyp', 'lung', 'breast', 'retina'])
    .default('polyp')
    .describe("sets the default of steps: the paper's epochs for this task, of its own training images"),
  encoder: encoderOption
    .default('res2net50')
    .describe(
      'image encoder; res2net50 is the paper, its weights come with septum weights import FILE; mobilenet-v2 has ImageNet weights out of the box',
    ),
  encoderWidth: encoderWidthOption,
  dropPath: dropPathOption,
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
  sideWeights: z
    .enum(['equal', 'halving'])
    .default('equal')
    .describe(
      'of the losses of deepSupervision: all 1, or half from level to level and 1 together (nnU-Net)',
    ),
  loss: z
    .enum(['structure', 'dice-bce'])
    .default('structure')
    .describe(
      'structure: IoU and cross-entropy weighted along contours; dice-bce: Dice of the batch and cross-entropy (nnU-Net)',
    ),
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
  pixelWeight: z
    .number()
    .min(0)
    .default(1)
    .describe(
      'of the loss of pixels in the sum; 0 is an ablation of the paper (table 10), with LossNet alone',
    ),
  steps: z
    .int()
    .min(1)
    .default(4_531)
    .describe("optimiser steps; 50 passes over the paper's 1450 polyp images"),
  batchSize: z
    .int()
    .min(1)
    .nullable()
    .default(16)
    .describe("null: of nnU-Net's planner, where the recipe is nnunet"),
  optimizer: z.enum(['sgd', 'adam', 'adamw']).default('sgd').describe('sgd has Nesterov momentum'),
  lr: z.number().positive().default(0.05).describe('largest learning rate of pyramid and decoder'),
  encoderRate: z
    .number()
    .positive()
    .default(0.1)
    .describe('factor on the learning rate of the encoder; 1 is what the released code does by a slip'),
  momentum: z.number().min(0).max(1).default(0.9),
  weightDecay: z.number().min(0).default(5e-4),
  schedule: z
    .enum(['triangle', 'constant', 'linear', 'cosine', 'polynomial', 'step', 'exponential'])
    .default('triangle')
    .describe(
      'of the learning rate; triangle: up to the share `warmup` of the steps and down again, as released; linear, cosine and polynomial (power 0.9) end at 0, exponential at 0.01, step falls every decayEvery steps',
    ),
  warmup: z.number().min(0).max(1).default(0.5).describe('share of the steps in which the rate grows'),
  epochSteps: z
    .int()
    .min(1)
    .default(1)
    .describe('triangle: steps between changes of the rate; those of an epoch are the released stairs'),
  ...decayOptions,
  clipNorm: z.number().positive().nullable().default(null),
  clipValue: clipValueOption.default(null),
  ema: z.number().min(0).max(1).nullable().default(null),
  augmentation: z
    .enum(['paper', 'nnunet'])
    .default('paper')
    .describe(
      'paper: mirror images left to right and rotation; nnunet: its rotation, scaling, noise, blur, brightness, contrast, low resolution, gamma and mirror images, whatever flip and rotateDegrees say',
    ),
  flip: z.number().min(0).max(1).default(0.5).describe('probability of a mirror image, left to right'),
  rotateDegrees: z.number().min(0).max(180).default(10),
  sizes: z
    .array(z.number().positive().max(2))
    .min(1)
    .default([224 / 352, 256 / 352, 288 / 352, 320 / 352, 1])
    .describe('a batch has one of these shares of the image size, at random; [1]: always the whole size'),
})

export type M2SNetOptions = z.infer<typeof fields>

/** With the defaults of a recipe and a task. */
export const m2snetOptions = z.preprocess(withPreset, fields)

/** MSNet: differences of pixels only. */
export const msnetOptions = z.preprocess(
  withPreset,
  fields.extend({
    kernels: kernels.default([1]).describe('box sizes that differences are taken at; [1, 3, 5] is M2SNet'),
  }),
)
