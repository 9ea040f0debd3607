import { F, full, nn, noGrad, scope, type Tensor, where } from '@septum/torch'
import { diceBce } from '../../losses/dice-bce.js'
import { classTargets, countedSamples, randomRater } from '../../losses/targets.js'
import { exportMask } from '../mask-export.js'
import type {
  Batch,
  BundleParts,
  GraphExporter,
  Losses,
  Phase,
  Prediction,
  PredictOptions,
  SegmentationModel,
  Task,
  ValidationResult,
  Volume,
} from '../method.js'
import { UnetNetwork } from './network.js'
import type { UnetOptions } from './options.js'

/** A plain U-Net: one sigmoid channel a class, Dice + BCE against a random rater's mask. */
export class Unet extends nn.Module implements SegmentationModel {
  readonly network: UnetNetwork

  constructor(
    private readonly options: UnetOptions,
    private readonly task: Task,
  ) {
    super()
    this.network = new UnetNetwork(task.dimensions, task.imageChannels, task.classes.length, options)
  }

  /** Pads to a multiple of the network's stride, at the far ends, and cuts the logits back. */
  #padded(images: Tensor): { logits: Tensor[]; cut: (x: Tensor) => Tensor } {
    const size = images.shape.slice(2)
    const m = this.network.multiple
    const missing = size.map((n) => (m - (n % m)) % m)
    const input = missing.some((n) => n > 0)
      ? F.pad(
          images,
          missing.reverse().flatMap((n) => [0, n]),
        )
      : images
    return {
      logits: this.network.forward(input),
      cut: (x) => size.reduce((t, n, d) => t.narrow(d + 2, 0, n), x),
    }
  }

  phases(): readonly Phase[] {
    const { options, task } = this
    const recipe: Phase = {
      name: 'unet',
      steps: options.steps,
      batchSize: options.batchSize,
      accumulate: 1,
      trains: [this.network],
      augmentation: {
        flipHorizontal: options.flip,
        flipVertical: options.flip,
        rotateDegrees: options.rotateDegrees,
        rotate90: false,
        crop: task.imageSize,
        cropAt: 'centre',
        intensity: options.intensity,
      },
      optimizer: {
        kind: options.optimizer,
        lr: options.lr,
        momentum: 0.9,
        nesterov: options.optimizer === 'sgd',
        weightDecay: options.weightDecay,
        schedule:
          options.schedule === 'polynomial'
            ? { kind: 'polynomial', power: 0.9 }
            : options.schedule === 'cosine'
              ? { kind: 'cosine', end: 0.01 }
              : { kind: 'constant' },
        warmup: 0,
        clipNorm: options.clipNorm,
        ema: options.ema,
      },
      losses: (batch) => this.#losses(batch),
      validate: (batches) => this.#validate(batches),
    }
    return [recipe]
  }

  #losses(batch: Batch): Losses {
    const labels = randomRater(batch.masks)
    const target = classTargets(labels, this.task) // [N, K, ...size]
    const counted = countedSamples(labels, this.task) // [N, 1, ...size]
    const { logits, cut } = this.#padded(batch.images)
    const levels = logits.map((level, i) => {
      // Deeper heads are compared with the target averaged to their size.
      const full = i === 0 ? cut(level) : level
      const shrunk = (t: Tensor) => F.interpolate(t, { size: level.shape.slice(2), mode: 'area' })
      const wanted = i === 0 ? target : shrunk(target)
      // A sample of a deeper head counts where all that it stands for counts.
      const { dice, bce } = diceBce(
        full,
        wanted,
        i === 0 ? counted : counted && shrunk(counted).ge(1).float(),
      )
      return { dice, bce, sum: dice.add(bce) }
    })
    const weights = levels.map((_, i) => 2 ** -i)
    const norm = weights.reduce((a, b) => a + b)
    const total = levels.map(({ sum }, i) => sum.mul(weights[i]! / norm)).reduce((a, b) => a.add(b))
    return { total, dice: levels[0]!.dice, bce: levels[0]!.bce }
  }

  /** Mean Dice of the hard mask against each rater, both empty counting 1. */
  async #validate(batches: AsyncIterable<Batch>): Promise<ValidationResult> {
    let sum = 0
    let count = 0
    for await (const batch of batches) {
      scope(() => {
        const { logits, cut } = this.#padded(batch.images)
        const hard = cut(logits[0]!).gt(0).float().flatten(2) // [N, K, P]
        for (let rater = 0; rater < batch.masks.size(1); rater++) {
          const labels = batch.masks.narrow(1, rater, 1)
          const counted = countedSamples(labels, this.task)?.flatten(2) ?? null // [N, 1, P]
          const only = (t: Tensor) => (counted ? t.mul(counted) : t)
          const target = only(classTargets(labels, this.task).flatten(2))
          const marked = only(hard)
          const overlap = marked.mul(target).sum(2).mul(2)
          const total = marked.sum(2).add(target.sum(2)) // [N, K]
          const dice = where(total.gt(0), overlap.div(total.clamp(1)), 1)
          sum += dice.sum().item()
          count += dice.numel
        }
      })
    }
    const dice = count === 0 ? 0 : sum / count
    return { score: dice, metrics: { dice } }
  }

  export(graphs: GraphExporter): BundleParts {
    const { task, network } = this
    return exportMask(graphs, {
      task,
      multiple: network.multiple,
      logits: (images) => network.forward(images)[0]!,
    })
  }

  async predict(images: Tensor, _options: PredictOptions): Promise<Prediction> {
    return scope(() =>
      noGrad(() => {
        const { logits, cut } = this.#padded(images)
        const probabilities = cut(logits[0]!).sigmoid().contiguous()
        const hard = probabilities.gt(0.5).float()
        const doubt = full([1], 4, { device: images.device })
          .mul(probabilities)
          .mul(probabilities.neg().add(1))
        const volume = (t: Tensor, shape = t.shape): Volume => ({
          data: t.toTypedArray() as Float32Array,
          shape,
        })
        return {
          probabilities: volume(probabilities),
          samples: volume(hard, [1, ...hard.shape]),
          uncertainty: volume(doubt),
        }
      }),
    )
  }
}
