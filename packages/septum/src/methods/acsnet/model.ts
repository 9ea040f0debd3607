import type { Tensor } from '@septum/torch'
import { resizeMaps, sizeOf } from '../../blocks/resize.js'
import { diceLoss, meanBce } from '../../losses/dice-bce.js'
import { randomTarget } from '../../losses/targets.js'
import { EncoderModel, scheduleOf } from '../encoder-model.js'
import type { Batch, Losses, Phase, Task } from '../method.js'
import { AcsNetwork } from './network.js'
import type { AcsNetOptions } from './options.js'

/** ACSNet: Dice and cross-entropy on the final map and, at their own sizes, on four coarser ones. */
export class AcsNet extends EncoderModel<AcsNetwork> {
  constructor(
    private readonly options: AcsNetOptions,
    task: Task,
  ) {
    super(new AcsNetwork(task.classes.length, options), task, options)
  }

  override phases(): readonly Phase[] {
    const { options, task } = this
    return this.phase({
      name: 'acsnet',
      steps: options.steps,
      batchSize: options.batchSize,
      augmentation: {
        flipHorizontal: options.flip,
        flipVertical: options.flip,
        rotateDegrees: options.rotateDegrees,
        rotateProbability: 0.5,
        rotate90: false,
        scale: { probability: 0.5, factor: options.zoom },
        crop: task.imageSize,
        cropAt: 'random',
        intensity: 0,
      },
      optimizer: {
        kind: 'sgd',
        lr: options.lr,
        momentum: options.momentum,
        weightDecay: options.weightDecay,
        rate: (name) => (name.includes('.resnet.') ? options.encoderRate : 1),
        schedule: scheduleOf(options.schedule, options),
        warmup: options.warmup,
        clipNorm: options.clipNorm,
        ema: options.ema,
      },
    })
  }

  protected override released(name: string): string {
    return name
      .replace(/^encoder1_(conv|bn)\./, 'resnet.$11.')
      .replace(/^encoder([2-5])\./, (_, stage) => `resnet.layer${Number(stage) - 1}.`)
  }

  protected override logits(x: Tensor): Tensor {
    return this.network.forward(x)[0]!
  }

  protected override losses(batch: Batch): Losses {
    let { target, counted: share } = randomTarget(batch.masks, this.task) // [N, K, H, W], [N, 1, H, W]
    const maps = this.network.forward(this.input.forward(batch.images)).map((logits) => {
      // As released, each target is made from the one before.
      target = resizeMaps(target, sizeOf(logits), true)
      share &&= resizeMaps(share, sizeOf(logits), true)
      // A pixel of a coarser map counts where all that it was made from counts, but for rounding.
      const counted = share?.gt(1 - 1e-4).float()
      const ofMaps = counted?.expand(target.shape).flatten(0, 1)
      // Every class of every image is a map of its own to Dice.
      const dice = diceLoss(logits.flatten(0, 1), target.flatten(0, 1), 1, ofMaps)
      const bce = meanBce(logits, target, counted)
      return { dice, bce, sum: dice.add(bce) }
    })
    const total = maps.map(({ sum }) => sum).reduce((a, b) => a.add(b))
    return { total, dice: maps[0]!.dice, bce: maps[0]!.bce }
  }
}
