import { cat, F, full, noGrad, rand, randint, scope, type Tensor, where } from '@septum/torch'
import { classMask, randomRater } from '../../losses/targets.js'
import type { AugmentationRecipe, Batch, Losses, Phase, Task, ValidationResult } from '../method.js'
import type { MaskAutoencoder } from './autoencoder.js'
import type { ImageCondition } from './condition.js'
import type { SegmentorOptions } from './options.js'
import type { NextScaleTransformer } from './transformer.js'

/** Training of the next-scale transformer (section 4.3): cross-entropy of the next scale's tokens. */
export function segmentorPhase(
  autoencoder: MaskAutoencoder,
  condition: ImageCondition,
  transformer: NextScaleTransformer,
  options: SegmentorOptions,
  task: Task,
  augmentation: AugmentationRecipe,
): Phase {
  const tokensOf = (images: Tensor, masks: Tensor, classes: Tensor) => {
    const tokens = noGrad(() => autoencoder.encodeTokens(masks))
    const inputs = autoencoder.quantizer.teacherInput(tokens)
    const logits = transformer.forward(condition.forward(images), classes, inputs) // [N, tokens, V]
    return { logits, targets: cat(tokens, 1) } // targets [N, tokens]
  }
  const crossEntropy = (logits: Tensor, targets: Tensor) =>
    F.crossEntropy(logits.flatten(0, 1), targets.flatten())

  return {
    name: 'segmentor',
    steps: options.steps,
    batchSize: options.batchSize,
    accumulate: 1,
    augmentation,
    trains: [condition, transformer],
    optimizer: {
      kind: 'adamw',
      lr: options.lr,
      betas: [0.9, 0.95],
      weightDecay: options.weightDecay,
      decays: (name, parameter) => parameter.ndim > 1 && !/position|embedding|scale_mul|bias/.test(name),
      schedule: options.schedule === 'cosine' ? { kind: 'cosine', end: 0.01 } : { kind: 'constant' },
      warmup: options.warmup,
      clipNorm: options.clipNorm,
      ema: options.ema,
    },

    losses(batch: Batch): Losses {
      const device = batch.images.device
      const n = batch.images.size(0)
      const drawn = randint(0, task.classes.length, [n], { device })
      const masks = classMask(randomRater(batch.masks), drawn, task)
      const dropped = rand([n], { device }).lt(options.classDropout)
      const classes = options.classDropout > 0 ? where(dropped, transformer.noClassIndex, drawn) : drawn
      const { logits, targets } = tokensOf(batch.images, masks, classes)
      const total = crossEntropy(logits, targets)
      const accuracy = noGrad(() => logits.argmax(-1).eq(targets).float().mean())
      return { total, accuracy }
    },

    async validate(batches): Promise<ValidationResult> {
      const { counts, starts, scales } = transformer.layout
      const sums = new Float64Array(scales.length)
      let count = 0
      for await (const batch of batches) {
        const n = batch.images.size(0)
        for (const [index] of task.classes.entries()) {
          for (let rater = 0; rater < batch.masks.size(1); rater++) {
            scope(() => {
              const classes = full([n], index, { dtype: 'int64', device: batch.images.device })
              const masks = classMask(batch.masks.narrow(1, rater, 1), classes, task)
              const { logits, targets } = tokensOf(batch.images, masks, classes)
              scales.forEach((_, k) => {
                const part = crossEntropy(
                  logits.narrow(1, starts[k]!, counts[k]!),
                  targets.narrow(1, starts[k]!, counts[k]!),
                )
                sums[k]! += part.item() * n
              })
              count += n
            })
          }
        }
      }
      const metrics: Record<string, number> = {}
      let total = 0
      scales.forEach((side, k) => {
        const mean = sums[k]! / Math.max(1, count)
        metrics[`ce_${side}x${side}`] = mean
        total += (mean * counts[k]!) / transformer.layout.tokens
      })
      return { score: -total, metrics: { cross_entropy: total, ...metrics } }
    },
  }
}
