import { cat, noGrad, rand, randint, scope } from '@septum/torch'
import { diceBce } from '../../losses/dice-bce.js'
import { classMask, classTargets, fewerEmpty, randomRater } from '../../losses/targets.js'
import type { AugmentationRecipe, Batch, Losses, Phase, Task, ValidationResult } from '../method.js'
import type { MaskAutoencoder } from './autoencoder.js'
import type { AutoencoderOptions } from './options.js'

/** Training of the mask autoencoder (section 2.3): Dice + BCE + quantiser loss. */
export function autoencoderPhase(
  model: MaskAutoencoder,
  options: AutoencoderOptions,
  task: Task,
  augmentation: AugmentationRecipe,
): Phase {
  const target = (batch: Batch) => {
    const n = batch.images.size(0)
    const classes = randint(0, task.classes.length, [n], { device: batch.masks.device })
    const drawn = fewerEmpty(batch.masks, randomRater(batch.masks), options.emptyMasks)
    return classMask(drawn, classes, task)
  }
  const depth = () => {
    const all = options.scales.length
    if (all === 1 || options.partialDecoding === 0 || rand([1]).item() >= options.partialDecoding) return all
    return 1 + randint(0, all - 1, [1]).item()
  }
  return {
    name: 'autoencoder',
    steps: options.steps,
    batchSize: options.batchSize,
    accumulate: 1,
    augmentation,
    trains: [model],
    optimizer: {
      kind: 'adam',
      lr: options.lr,
      betas: options.betas,
      schedule: options.schedule === 'cosine' ? { kind: 'cosine', end: 0.01 } : { kind: 'constant' },
      warmup: 0,
      clipNorm: null,
      ema: options.ema,
    },

    losses(batch: Batch): Losses {
      const masks = target(batch)
      const { logits, quantized } = model.forward(masks, depth())
      const { dice, bce } = diceBce(logits, masks)
      return { total: dice.add(bce).add(quantized.loss), dice, bce, quantizer: quantized.loss }
    },

    begin(batch: Batch): void {
      if (!options.initFromData) return
      scope(() => noGrad(() => model.quantizer.initialize(model.encode(target(batch)))))
    },

    afterStep(batch: Batch): void {
      if (options.restartEvery === 0 || (batch.step + 1) % options.restartEvery !== 0) return
      // Restarting near the end would leave codes that no step has trained.
      if (batch.step + 1 > 0.9 * options.steps) return
      scope(() => noGrad(() => void model.quantizer.restart(model.encode(target(batch)))))
    },

    show({ masks }: Batch) {
      const first = masks.narrow(1, 0, 1) // [N, 1, H, W]
      const one = (index: number) =>
        model
          .decodeStages(model.encodeTokens(first.eq(index + 1).float()))
          .at(-1)!
          .sigmoid()
      return cat(
        task.classes.map((_, index) => one(index)),
        1,
      ) // [N, classes, H, W]
    },

    async validate(batches): Promise<ValidationResult> {
      const { scales } = model.quantizer
      const sums = new Float64Array(scales.length)
      let count = 0
      for await (const batch of batches) {
        // Every rater's non-empty mask of every class: the score does not depend on a draw.
        for (const [index] of task.classes.entries()) {
          for (let rater = 0; rater < batch.masks.size(1); rater++) {
            scope(() => {
              const labels = batch.masks.narrow(1, rater, 1)
              const masks = classTargets(labels, task).narrow(1, index, 1) // [N, 1, H, W]
              const marked = masks.flatten(1).sum(1).gt(0).float() // [N]
              model.decodeStages(model.encodeTokens(masks)).forEach((logits, k) => {
                const hard = logits.gt(0).float().flatten(1)
                const flat = masks.flatten(1)
                const dice = hard
                  .mul(flat)
                  .sum(1)
                  .mul(2)
                  .div(hard.sum(1).add(flat.sum(1)).clamp(1)) // [N]
                sums[k]! += dice.mul(marked).sum().item()
              })
              count += marked.sum().item()
            })
          }
        }
      }
      const usage = model.quantizer.codeUsage(options.batchSize)
      const metrics: Record<string, number> = {}
      scales.forEach((side, k) => {
        metrics[`dice_${side}x${side}`] = count === 0 ? 0 : sums[k]! / count
        metrics[`usage_${side}x${side}`] = usage[k]!
      })
      const score = count === 0 ? 0 : sums.at(-1)! / count
      return { score, metrics: { reconstruction_dice: score, ...metrics } }
    },
  }
}
