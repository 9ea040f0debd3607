import { noGrad, scope, type Tensor, where } from '@septum/torch'
import { annotatedPairs } from '../losses/annotated.js'
import { classTargets, countedSamples } from '../losses/targets.js'
import type { Batch, Prediction, Task, ValidationResult, Volume } from './method.js'

/**
 * Validation of a method that gives one mask: mean Dice of the hard mask over cases, classes and raters; an empty
 * mask of an empty reference counts 1. Samples with the ignore label are left out.
 * @param logitsOf [N, C, ...size] to [N, classes, ...size]; above 0 is foreground
 */
export async function validateMasks(
  batches: AsyncIterable<Batch>,
  task: Pick<Task, 'classes' | 'regions' | 'ignores'>,
  logitsOf: (images: Tensor) => Tensor,
): Promise<ValidationResult> {
  let sum = 0
  let count = 0
  for await (const batch of batches) {
    scope(() =>
      noGrad(() => {
        const hard = logitsOf(batch.images).gt(0).float().flatten(2) // [N, K, P]
        for (let rater = 0; rater < batch.masks.size(1); rater++) {
          const labels = batch.masks.narrow(1, rater, 1)
          const counted = countedSamples(labels, task)?.flatten(2) // [N, 1, P]
          const target = classTargets(labels, task).flatten(2)
          const marked = counted ? hard.mul(counted) : hard
          const total = marked.sum(2).add(target.sum(2)) // [N, K]
          const each = where(total.gt(0), marked.mul(target).sum(2).mul(2).div(total.clamp(1)), 1)
          const only = annotatedPairs(batch.annotated, each.size(1))
          const dice = only ? only.pick(each) : each
          sum += dice.sum().item()
          count += dice.numel
        }
      }),
    )
  }
  const dice = count === 0 ? 0 : sum / count
  return { score: dice, metrics: { dice } }
}

/**
 * Prediction of a method that gives one mask: its probabilities, the hard mask as the only sample, and
 * 4 p (1 - p), which is 1 where the network cannot tell.
 * @param logits [N, classes, ...size]
 */
export function maskPrediction(logits: Tensor): Prediction {
  return scope(() => {
    const probabilities = logits.float().sigmoid().contiguous()
    const hard = probabilities.gt(0.5).float()
    const uncertainty = probabilities.mul(probabilities.neg().add(1)).mul(4).clamp(0, 1)
    const volume = (t: Tensor, shape = t.shape): Volume => ({ data: t.toTypedArray() as Float32Array, shape })
    return {
      probabilities: volume(probabilities),
      samples: volume(hard, [1, ...hard.shape]),
      uncertainty: volume(uncertainty),
    }
  })
}
