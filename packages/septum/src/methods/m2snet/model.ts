import type { Reporter } from '@septum/core'
import { loadPth, loadTensors, nn, noGrad, scope, type Tensor } from '@septum/torch'
import { ImageInput, loadPretrained } from '../../blocks/backbones/index.js'
import { structureLoss } from '../../losses/structure-loss.js'
import { classTargets, randomRater } from '../../losses/targets.js'
import { exportMask } from '../mask-export.js'
import { maskPrediction, validateMasks } from '../mask-model.js'
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
} from '../method.js'
import { LossNet } from './loss-net.js'
import { M2SNetwork } from './network.js'
import type { M2SNetOptions } from './options.js'

/** MSNet and M2SNet: one sigmoid channel a class, structure loss and LossNet against a random rater's mask. */
export class M2SNet extends nn.Module implements SegmentationModel {
  readonly input: ImageInput
  readonly network: M2SNetwork
  /** No part of the model: frozen, not saved, and absent in prediction. */
  #lossNet: LossNet | null = null

  constructor(
    private readonly options: M2SNetOptions,
    private readonly task: Task,
  ) {
    super()
    this.network = new M2SNetwork(task.classes.length, options)
    this.input = new ImageInput(task.imageChannels, this.network.resnet.input)
  }

  initialise(reporter: Reporter): void {
    const { startFrom, pretrained, lossNet } = this.options
    if (startFrom !== null) this.#startFrom(startFrom, reporter)
    else if (pretrained) loadPretrained(this.network.resnet, reporter)
    else reporter.warn(`The encoder ${this.options.encoder} starts from random weights, as asked for.`)
    // A missing file must stop the run here and not at its first step.
    if (lossNet !== 'none') this.#lossNet ??= new LossNet(lossNet)
  }

  #startFrom(file: string, reporter: Reporter): void {
    const { tensors } = file.endsWith('.safetensors') ? loadTensors(file) : loadPth(file)
    try {
      const missing = noGrad(() => this.network.loadReleased(tensors))
      const rest = missing.length > 0 ? `; ${missing.length} tensors are not in it and start at random` : ''
      reporter.info(`The network starts from the weights in ${file}${rest}.`)
    } finally {
      for (const t of tensors.values()) t.free()
    }
  }

  phases(): readonly Phase[] {
    const { options, task, input, network } = this
    const phase: Phase = {
      name: 'm2snet',
      steps: options.steps,
      batchSize: options.batchSize,
      accumulate: 1,
      trains: input.mix ? [network, input] : [network],
      augmentation: {
        flipHorizontal: options.flip,
        flipVertical: 0,
        rotateDegrees: options.rotateDegrees,
        rotate90: false,
        crop: task.imageSize,
        cropAt: 'centre',
        intensity: 0,
        multiScale: { rates: options.sizes, multiple: 32, order: 'random' },
      },
      optimizer: {
        kind: 'sgd',
        lr: options.lr,
        momentum: options.momentum,
        nesterov: options.momentum > 0,
        weightDecay: options.weightDecay,
        rate: (name) => (name.includes('.resnet.') ? options.encoderRate : 1),
        schedule: { kind: 'linear', end: 0 },
        warmup: options.warmup,
        clipNorm: options.clipNorm,
        ema: options.ema,
      },
      losses: (batch) => this.#losses(batch),
      validate: (batches) => this.#validate(batches),
    }
    return [phase]
  }

  /** @param images [N, C, H, W] in [0, 1] @returns logits [N, classes, H, W], those of deeper levels behind */
  #logits(images: Tensor): Tensor[] {
    return this.network.forward(this.input.forward(images))
  }

  #losses(batch: Batch): Losses {
    const { options, task } = this
    const target = classTargets(randomRater(batch.masks), task.classes.length) // [N, K, H, W]
    const logits = this.#logits(batch.images)
    const parts = logits.map((map) => structureLoss(map, target, { bce: options.bce }))
    const structure = parts.map((part) => part.total).reduce((a, b) => a.add(b))
    const { iou, bce } = parts[0]!
    if (options.lossNet === 'none' || options.lossNetWeight === 0) return { total: structure, iou, bce }
    this.#lossNet ??= new LossNet(options.lossNet)
    const features = this.#lossNet.to(batch.images.device).forward(logits[0]!.sigmoid(), target)
    return { total: structure.add(features.mul(options.lossNetWeight)), iou, bce, features }
  }

  #validate(batches: AsyncIterable<Batch>): Promise<ValidationResult> {
    return validateMasks(batches, this.task.classes.length, (images) => this.#logits(images)[0]!)
  }

  export(graphs: GraphExporter): BundleParts {
    return exportMask(graphs, { task: this.task, multiple: 1, logits: (images) => this.#logits(images)[0]! })
  }

  async predict(images: Tensor, _options: PredictOptions): Promise<Prediction> {
    return scope(() => noGrad(() => maskPrediction(this.#logits(images)[0]!)))
  }
}
