import { type Reporter, SeptumError } from '@septum/core'
import { nn, noGrad, scope, stack, type Tensor } from '@septum/torch'
import { cutTo, padToMultiple } from '../blocks/pad-to-multiple.js'
import { exclusiveLoss, oneVersusRest } from '../losses/exclusive-loss.js'
import { maskLoss } from '../losses/mask-loss.js'
import { type MaskTarget, randomTarget } from '../losses/targets.js'
import { exportMask } from './mask-export.js'
import { maskPrediction, validateMasks } from './mask-model.js'
import { mapCount, type RecipeOptions, recipeOf } from './mask-recipe.js'
import type {
  Batch,
  BundleParts,
  GraphExporter,
  Losses,
  OptimizerRecipe,
  Phase,
  Prediction,
  PredictOptions,
  SegmentationModel,
  Task,
  ValidationResult,
} from './method.js'

/** A network that turns images into maps of logits. */
export interface MaskNetwork extends nn.Module {
  /** Sides of an input must be multiples of this; images are padded to it. */
  readonly multiple: number
  /**
   * @param images [N, C, H, W] in [0, 1]
   * @returns maps [N, K, H, W] that training compares with the masks, that of the last decoder level first;
   * K is {@link mapCount}
   */
  forward(images: Tensor): readonly Tensor[]
  /** Maps whose mean probability is the prediction, where that is not the first of {@link forward}. */
  decide?(images: Tensor): readonly Tensor[]
  initialise?(reporter: Reporter): void
}

export interface MaskNetworkSetting {
  /** Weight of each map of {@link MaskNetwork.forward} in the loss; 1 where absent. */
  readonly headWeights?: readonly number[]
  readonly rate?: OptimizerRecipe['rate']
}

/**
 * A method of one network and one mask, compared with a random rater's: one sigmoid map a class, or a soft-max over
 * classes and background.
 */
export class MaskNetworkModel<N extends MaskNetwork> extends nn.Module implements SegmentationModel {
  constructor(
    private readonly name: string,
    readonly network: N,
    private readonly options: RecipeOptions,
    private readonly task: Task,
    private readonly setting: MaskNetworkSetting = {},
  ) {
    super()
  }

  initialise(reporter: Reporter): void {
    this.network.initialise?.(reporter)
  }

  phases(): readonly Phase[] {
    const phase: Phase = {
      name: this.name,
      ...recipeOf(this.options, this.task, this.setting.rate),
      trains: [this.network],
      losses: (batch) => this.#losses(batch),
      validate: (batches) => this.#validate(batches),
    }
    return [phase]
  }

  #losses(batch: Batch): Losses {
    const { task, setting, network } = this
    const wanted = randomTarget(batch.masks, task)
    const size = batch.images.shape.slice(2)
    const maps = network.forward(padToMultiple(batch.images, network.multiple))
    const parts = maps.map((map) => this.#loss(cutTo(map, size), wanted))
    const total = parts
      .map((part, i) => part.total.mul(setting.headWeights?.[i] ?? 1))
      .reduce((a, b) => a.add(b))
    return { ...parts[0]!, total }
  }

  get #exclusive(): boolean {
    return mapCount(this.options, this.task) > this.task.classes.length
  }

  #loss(map: Tensor, { target, counted }: MaskTarget): Losses {
    const loss = this.#exclusive ? exclusiveLoss : maskLoss
    return loss(map, target, this.options, counted)
  }

  /** @param images [N, C, H, W] in [0, 1] @returns logits [N, classes, H, W] whose sigmoid is the probability */
  #logits(images: Tensor): Tensor {
    const { network } = this
    const input = padToMultiple(images, network.multiple)
    const maps = network.decide ? network.decide(input) : network.forward(input).slice(0, 1)
    const decided = cutTo(maps.length === 1 ? maps[0]! : this.#mean(maps), images.shape.slice(2))
    return this.#exclusive ? oneVersusRest(decided).narrow(1, 1, this.task.classes.length) : decided
  }

  /** Logits of the mean probability; the limit keeps them finite. */
  #mean(maps: readonly Tensor[]): Tensor {
    const all = stack(maps, 0)
    if (this.#exclusive) return all.softmax(2).mean(0).clamp(TINY).log()
    const p = all
      .sigmoid()
      .mean(0)
      .clamp(TINY, 1 - TINY)
    return p.div(p.neg().add(1)).log()
  }

  #validate(batches: AsyncIterable<Batch>): Promise<ValidationResult> {
    return validateMasks(batches, this.task, (images) => this.#logits(images))
  }

  export(graphs: GraphExporter): BundleParts {
    const { task, network } = this
    return exportMask(graphs, { task, multiple: network.multiple, logits: (images) => this.#logits(images) })
  }

  async predict(images: Tensor, _options: PredictOptions): Promise<Prediction> {
    return scope(() => noGrad(() => maskPrediction(this.#logits(images))))
  }
}

const TINY = 1e-7

/** @throws SeptumError `method-dimensions` unless the task is one of pictures. */
export function requirePictures(method: string, task: Task): void {
  if (task.dimensions === 2) return
  throw new SeptumError(
    'method-dimensions',
    `${method} segments pictures, and this data set holds volumes`,
    'Train on slices, or choose a method that takes volumes (septum methods lists them).',
  )
}
