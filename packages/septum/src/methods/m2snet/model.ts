import type { Reporter } from '@septum/core'
import { loadPth, loadTensors, nn, noGrad, scope, type Tensor } from '@septum/torch'
import { ImageInput, loadPretrained } from '../../blocks/backbones/index.js'
import { annotatedPairs } from '../../losses/annotated.js'
import { randomTarget } from '../../losses/targets.js'
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
import { pixelLoss, recipeOf, sideWeights } from './recipe.js'

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
      ...recipeOf(options, task),
      accumulate: 1,
      trains: input.mix ? [network, input] : [network],
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
    const { target, counted } = randomTarget(batch.masks, task) // [N, K, H, W], [N, 1, H, W]
    const maps = this.#logits(batch.images)
    const only = annotatedPairs(batch.annotated, task.classes.length)
    // A case says nothing of classes that its data set does not annotate.
    const of = (t: Tensor) => (only ? only.pick(t) : t) // [N, K, H, W], or [P, 1, H, W]
    const [wanted, heeded] = [of(target), only && counted ? only.pickCase(counted) : counted]
    const logits = maps.map(of)
    const parts = logits.map((map) => pixelLoss(map, wanted, options, heeded))
    const weights = sideWeights(options, parts.length)
    const pixels = parts
      .map((part, i) => part.total.mul(weights[i]! * options.pixelWeight))
      .reduce((a, b) => a.add(b))
    const { total: _, ...terms } = parts[0]!
    if (options.lossNet === 'none' || options.lossNetWeight === 0) return { ...terms, total: pixels }
    this.#lossNet ??= new LossNet(options.lossNet)
    const probabilities = logits[0]!.sigmoid()
    // What does not count is background in both pictures that LossNet compares.
    const shown = heeded ? probabilities.mul(heeded) : probabilities
    const features = this.#lossNet.to(batch.images.device).forward(shown, wanted)
    return { ...terms, features, total: pixels.add(features.mul(options.lossNetWeight)) }
  }

  #validate(batches: AsyncIterable<Batch>): Promise<ValidationResult> {
    return validateMasks(batches, this.task, (images) => this.#logits(images)[0]!)
  }

  export(graphs: GraphExporter): BundleParts {
    return exportMask(graphs, { task: this.task, multiple: 1, logits: (images) => this.#logits(images)[0]! })
  }

  async predict(images: Tensor, _options: PredictOptions): Promise<Prediction> {
    return scope(() => noGrad(() => maskPrediction(this.#logits(images)[0]!)))
  }
}
