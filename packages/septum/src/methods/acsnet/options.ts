import { z } from 'zod'
import { encoderOption } from '../../blocks/backbones/index.js'
import { startOptions } from '../../blocks/start-weights.js'
import { decayOptions, scheduleOption } from '../encoder-model.js'

/** Defaults are those of the released code. */
export const acsnetOptions = z.object({
  encoder: encoderOption
    .default('resnet34')
    .describe('image encoder; resnet34 is the paper; mobilenet-v2 has ImageNet weights out of the box'),
  ...startOptions,
  channels: z
    .int()
    .min(8)
    .multipleOf(8)
    .default(64)
    .describe('of the decoder at strides 1 and 2; 2, 4 and 8 times as many at strides 4, 8 and 16'),
  dropout: z.number().min(0).max(1).default(0.1).describe('share of channels dropped before each map'),
  steps: z
    .int()
    .min(1)
    .default(54_450)
    .describe('optimiser steps; 150 epochs of 363 batches of 1450 polyp images'),
  batchSize: z.int().min(1).default(4),
  lr: z.number().positive().default(1e-3).describe('of SGD'),
  encoderRate: z.number().positive().default(1).describe('factor on the learning rate of the encoder'),
  momentum: z.number().min(0).max(1).default(0.9),
  weightDecay: z.number().min(0).default(1e-5),
  schedule: scheduleOption.default('polynomial'),
  ...decayOptions,
  warmup: z.number().min(0).max(1).default(0).describe('share of the steps in which the rate grows'),
  clipNorm: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe('largest norm of the gradient; null: any'),
  ema: z.number().min(0).max(1).nullable().default(null),
  flip: z.number().min(0).max(1).default(0.5).describe('probability of a mirror image along each axis'),
  rotateDegrees: z
    .number()
    .min(0)
    .max(180)
    .default(90)
    .describe('half of the cases are turned by up to this angle'),
  zoom: z
    .tuple([z.number().positive(), z.number().positive()])
    .default([0.8, 1.2])
    .describe('half of the cases are scaled by a factor from this range; [1, 1]: none'),
})

export type AcsNetOptions = z.infer<typeof acsnetOptions>
