import type { Tensor } from '@septum/torch'
import { maskLoss } from '../../losses/mask-loss.js'
import { scheduleOf } from '../encoder-model.js'
import type { AugmentationRecipe, Losses, Phase, Schedule, Task } from '../method.js'
import { nnunetAugmentation } from '../nnunet-augmentation.js'
import type { M2SNetOptions } from './options.js'

/** Cases of a batch that nobody has planned: nnU-Net's number for pictures that fill its memory. */
const UNPLANNED_BATCH = 12

function scheduleFrom(options: M2SNetOptions): Schedule {
  const { schedule, warmup, epochSteps } = options
  return schedule === 'triangle'
    ? { kind: 'triangle', peak: warmup, every: epochSteps }
    : scheduleOf(schedule, options)
}

function augmentationOf(options: M2SNetOptions, { imageSize }: Task): AugmentationRecipe {
  const multiScale = { rates: options.sizes, multiple: 32, order: 'random' } as const
  if (options.augmentation === 'nnunet') return { ...nnunetAugmentation(imageSize), multiScale }
  return {
    flipHorizontal: options.flip,
    flipVertical: 0,
    rotateDegrees: options.rotateDegrees,
    rotate90: false,
    crop: imageSize,
    cropAt: 'centre',
    intensity: 0,
    multiScale,
  }
}

/** Steps, optimiser and augmentation of the training that the options describe. */
export function recipeOf(
  options: M2SNetOptions,
  task: Task,
): Pick<Phase, 'steps' | 'batchSize' | 'optimizer' | 'augmentation'> {
  const { optimizer, momentum } = options
  return {
    steps: options.steps,
    batchSize: options.batchSize ?? task.plannedBatch ?? UNPLANNED_BATCH,
    augmentation: augmentationOf(options, task),
    optimizer: {
      kind: optimizer,
      lr: options.lr,
      momentum,
      nesterov: momentum > 0,
      weightDecay: options.weightDecay,
      rate: (name) => (name.includes('.resnet.') ? options.encoderRate : 1),
      schedule: scheduleFrom(options),
      warmup: options.warmup,
      clipNorm: options.clipNorm,
      clipValue: options.clipValue,
      ema: options.ema,
    },
  }
}

/**
 * @param logits, target [N, K, H, W] @param counted [N, 1, H, W], 0 where a pixel counts for nobody
 * @returns scalars; `total` is their sum
 */
export function pixelLoss(
  logits: Tensor,
  target: Tensor,
  { loss, bce }: M2SNetOptions,
  counted: Tensor | null,
): Losses {
  const rest = { diceWeight: 1, bceWeight: 1, dice: 'batch', backgroundWeight: 1 } as const
  return maskLoss(logits, target, { loss, structureBce: bce, ...rest }, counted)
}

/** Weights of the losses of the last map and of those of deeper decoder levels. */
export function sideWeights({ sideWeights: kind }: M2SNetOptions, maps: number): number[] {
  const weights = Array.from({ length: maps }, (_, i) => (kind === 'halving' ? 2 ** -i : 1))
  const sum = kind === 'halving' ? weights.reduce((a, b) => a + b) : 1
  return weights.map((weight) => weight / sum)
}
