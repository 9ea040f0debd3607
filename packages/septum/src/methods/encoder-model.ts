import type { Reporter } from '@septum/core'
import { nn, noGrad, scope, type Tensor } from '@septum/torch'
import { z } from 'zod'
import { ImageInput } from '../blocks/backbones/index.js'
import { type EncoderNetwork, type StartOptions, startWeights } from '../blocks/start-weights.js'
import { exportMask } from './mask-export.js'
import { maskPrediction, validateMasks } from './mask-model.js'
import type {
  Batch,
  BundleParts,
  GraphExporter,
  Losses,
  Phase,
  Prediction,
  PredictOptions,
  Schedule,
  SegmentationModel,
  Task,
} from './method.js'

/** What the learning rate does after its warm-up, for the schemas of methods. */
export const scheduleOption = z
  .enum(['constant', 'linear', 'cosine', 'polynomial', 'step', 'exponential'])
  .describe(
    'of the learning rate; linear, cosine and polynomial (power 0.9) end at 0, exponential at 0.01, step falls every decayEvery steps',
  )

/** Of the schedule `step`, for the schemas of methods. */
export const decayOptions = {
  decayEvery: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('schedule step: optimiser steps between two decays; null: half of all steps'),
  decayFactor: z.number().positive().max(1).default(0.1).describe('schedule step: factor at each decay'),
}

interface Decay {
  readonly steps: number
  readonly decayEvery: number | null
  readonly decayFactor: number
}

/** The schedule of an option, with what its `step` needs. */
export function scheduleOf(name: z.infer<typeof scheduleOption>, decay: Decay): Schedule {
  switch (name) {
    case 'constant':
      return { kind: 'constant' }
    case 'polynomial':
      return { kind: 'polynomial', power: 0.9 }
    case 'step':
      return {
        kind: 'step',
        every: decay.decayEvery ?? Math.max(1, Math.round(decay.steps / 2)),
        factor: decay.decayFactor,
      }
    case 'exponential':
      return { kind: 'exponential', end: 0.01 }
    default:
      return { kind: name, end: 0 }
  }
}

/** Largest absolute value of an element of a gradient, for the schemas of methods. */
export const clipValueOption = z
  .number()
  .positive()
  .nullable()
  .describe('largest absolute value of each element of the gradient; null: any')

export interface EncoderModelOptions extends StartOptions {
  /** Stretch each predicted map to [0, 1]. */
  readonly stretch?: boolean
}

/** Map by map the logit of (p - min) / (max - min + 1e-8), p the sigmoid of `logits` [N, K, H, W]. */
export function stretched(logits: Tensor): Tensor {
  const p = logits.float().sigmoid()
  const low = p.amin([2, 3], true)
  const share = p.sub(low).div(p.amax([2, 3], true).sub(low).add(1e-8))
  return share.div(share.neg().add(1)).log()
}

/**
 * A method with an image encoder and one sigmoid map a class: start from published weights, validation by Dice,
 * prediction of one mask. A subclass says what it trains against.
 */
export abstract class EncoderModel<Network extends EncoderNetwork>
  extends nn.Module
  implements SegmentationModel
{
  readonly input: ImageInput

  constructor(
    readonly network: Network,
    protected readonly task: Task,
    private readonly start: EncoderModelOptions,
  ) {
    super()
    this.input = new ImageInput(task.imageChannels, network.resnet.input)
  }

  initialise(reporter: Reporter): void {
    startWeights(this.network, this.start, reporter, (name) => this.released(name))
  }

  abstract phases(): readonly Phase[]

  /** @param x [N, 3, H, W], as the encoder wants it @returns logits [N, classes, H, W] */
  protected abstract logits(x: Tensor): Tensor

  protected abstract losses(batch: Batch): Losses

  /** Name of a tensor in the released weights as ours. */
  protected released(name: string): string {
    return name
  }

  /** A phase that trains the whole network. */
  protected phase(
    recipe: Pick<Phase, 'name' | 'steps' | 'batchSize' | 'optimizer' | 'augmentation'>,
  ): readonly Phase[] {
    const { input, network, task } = this
    return [
      {
        ...recipe,
        accumulate: 1,
        trains: input.mix ? [network, input] : [network],
        losses: (batch) => this.losses(batch),
        validate: (batches) => validateMasks(batches, task, (images) => this.logits(input.forward(images))),
      },
    ]
  }

  #decide(images: Tensor): Tensor {
    const logits = this.logits(this.input.forward(images))
    return this.start.stretch ? stretched(logits) : logits
  }

  export(graphs: GraphExporter): BundleParts {
    return exportMask(graphs, { task: this.task, multiple: 1, logits: (images) => this.#decide(images) })
  }

  async predict(images: Tensor, _options: PredictOptions): Promise<Prediction> {
    return scope(() => noGrad(() => maskPrediction(this.#decide(images))))
  }
}
