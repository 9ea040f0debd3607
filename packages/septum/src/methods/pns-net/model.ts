import type { Tensor } from '@septum/torch'
import { meanBce } from '../../losses/dice-bce.js'
import { randomTarget } from '../../losses/targets.js'
import { EncoderModel, scheduleOf } from '../encoder-model.js'
import type { Batch, Losses, Phase, Task } from '../method.js'
import { PnsNetwork } from './network.js'
import type { PnsNetOptions } from './options.js'

/** PNS-Net on single frames: trained without attention, then with it, against cross-entropy. */
export class PnsNet extends EncoderModel<PnsNetwork> {
  constructor(
    private readonly options: PnsNetOptions,
    task: Task,
  ) {
    super(new PnsNetwork(task.classes.length, task.imageSize, options), task, {
      ...options,
      encoder: 'res2net50',
    })
  }

  override phases(): readonly Phase[] {
    const [images] = this.phase({ name: 'images', ...this.#recipe('images') })
    const { frameParts } = this.network
    const { mix } = this.input
    const first: Phase = {
      ...images!,
      trains: mix ? [...frameParts, this.input] : frameParts,
      losses: (batch) => this.#against(batch, 0),
    }
    return this.options.attention
      ? [first, ...this.phase({ name: 'frames', ...this.#recipe('frames') })]
      : [first]
  }

  #recipe(phase: 'images' | 'frames'): Pick<Phase, 'steps' | 'batchSize' | 'optimizer' | 'augmentation'> {
    const { options, task } = this
    const { steps, batchSize, lr } = options[phase]
    const encoder = new Set(this.network.feature_extractor.parameters())
    return {
      steps,
      batchSize,
      augmentation: {
        flipHorizontal: options.flip,
        flipVertical: 0,
        rotateDegrees: options.rotateDegrees,
        rotate90: false,
        crop: task.imageSize,
        cropAt: 'centre',
        intensity: 0,
      },
      optimizer: {
        kind: 'adam',
        lr,
        weightDecay: options.weightDecay,
        rate: (_, parameter) => (encoder.has(parameter) ? options.encoderRate : 1),
        schedule:
          phase === 'images' ? scheduleOf(options.schedule, { ...options, steps }) : { kind: 'constant' },
        warmup: options.warmup,
        clipNorm: options.clipNorm,
        clipValue: options.clipValue,
        ema: options.ema,
      },
    }
  }

  protected override logits(x: Tensor): Tensor {
    return this.network.forward(x)
  }

  protected override losses(batch: Batch): Losses {
    return this.#against(batch, 1)
  }

  #against(batch: Batch, frames: number): Losses {
    const { target, counted } = randomTarget(batch.masks, this.task) // [N, K, H, W], [N, 1, H, W]
    const logits = this.network.forward(this.input.forward(batch.images), frames)
    return { total: meanBce(logits, target, counted) }
  }
}
