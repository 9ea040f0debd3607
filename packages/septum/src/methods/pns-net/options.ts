import { z } from 'zod'
import { startOptions } from '../../blocks/start-weights.js'
import { clipValueOption, decayOptions, scheduleOption } from '../encoder-model.js'

const phase = (steps: number, batchSize: number) =>
  z
    .object({
      steps: z.int().min(1).default(steps),
      batchSize: z.int().min(1).default(batchSize),
      lr: z.number().positive().default(1e-4),
    })
    .prefault({})

/** Rates, batches, decay and flips are the release's; numbers of steps are ours. */
export const pnsNetOptions = z.object({
  ...startOptions,
  attention: z
    .boolean()
    .default(true)
    .describe('attention within the frame; false: the network that the release trains on single images'),
  channels: z.int().min(8).default(128).describe('inside the receptive-field blocks'),
  dropout: z.number().min(0).max(1).default(0.1).describe('of whole maps before the last convolution'),
  images: phase(10_000, 20).describe('first phase: without attention'),
  frames: phase(1_000, 20).describe('second phase: all of it'),
  weightDecay: z.number().min(0).default(1e-4),
  encoderRate: z.number().positive().default(1).describe('factor on the learning rate of the encoder'),
  schedule: scheduleOption
    .default('step')
    .describe('of the first phase; released: a tenth after half of it; the second has a constant rate'),
  ...decayOptions,
  warmup: z.number().min(0).max(1).default(0).describe('share of the steps in which the rate grows'),
  clipNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('largest norm of the gradient; null: any'),
  clipValue: clipValueOption.default(0.5),
  ema: z.number().min(0).max(1).nullable().default(null),
  flip: z.number().min(0).max(1).default(0.5).describe('probability of a mirror image, left to right'),
  rotateDegrees: z.number().min(0).max(180).default(0),
})

export type PnsNetOptions = z.infer<typeof pnsNetOptions>
