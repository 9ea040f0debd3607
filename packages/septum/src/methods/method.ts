import type { ConsensusRule } from '@septum/core'
import type { Module, Tensor } from '@septum/torch'
import type { z } from 'zod'

/** What a data set asks of a model. */
export interface Task {
  readonly dimensions: 2 | 3
  /** Channels of an input image (1 grey, 3 RGB, 4 BraTS modalities). */
  readonly imageChannels: number
  /** Foreground class names; label value i + 1 in a mask is `classes[i]`, 0 is background. */
  readonly classes: readonly string[]
  /** Masks a case brings (1 when there is a single reader). */
  readonly raters: number
  /** Size of the images that the network sees, [H, W] or [D, H, W]. */
  readonly imageSize: readonly number[]
  /** Image value that becomes 1; absent: the largest that the file format can hold. */
  readonly maxValue?: number
}

/** One training or validation batch, on the training device. */
export interface Batch {
  /** [N, C, ...size], float32, values in [0, 1]. */
  readonly images: Tensor
  /** [N, R, ...size], uint8 label values; R raters, an all-zero mask where a rater marked nothing. */
  readonly masks: Tensor
  /** Case names in batch order, for messages. */
  readonly cases: readonly string[]
  /** Optimiser step this batch belongs to, from 0 (0 in validation). */
  readonly step: number
}

export type Schedule =
  | { readonly kind: 'constant' }
  | { readonly kind: 'linear'; readonly end: number }
  | { readonly kind: 'polynomial'; readonly power: number }
  | { readonly kind: 'cosine'; readonly end: number }

export interface OptimizerRecipe {
  readonly kind: 'sgd' | 'adam' | 'adamw'
  readonly lr: number
  readonly betas?: readonly [number, number]
  readonly eps?: number
  readonly momentum?: number
  readonly nesterov?: boolean
  readonly weightDecay?: number
  /** Parameters this returns false for get no weight decay. Default: all decay. */
  readonly decays?: (name: string, parameter: Tensor) => boolean
  readonly schedule: Schedule
  /** Share of all steps spent in linear warm-up from 0. */
  readonly warmup: number
  /** Largest gradient norm; null leaves gradients as they are. */
  readonly clipNorm: number | null
  /** Decay of the exponential moving average of the weights; null keeps none. */
  readonly ema: number | null
}

/** Named scalar losses; `total` is differentiated. */
export interface Losses {
  readonly total: Tensor
  readonly [term: string]: Tensor
}

export interface ValidationResult {
  /** Selects the best checkpoint; higher is better. */
  readonly score: number
  readonly metrics: Readonly<Record<string, number>>
}

/** One stage of training: which weights, how, and against what. */
export interface Phase {
  readonly name: string
  readonly steps: number
  readonly batchSize: number
  /** Batches whose gradients are added before one optimiser step. */
  readonly accumulate: number
  readonly optimizer: OptimizerRecipe
  readonly augmentation: AugmentationRecipe
  /** Modules that this phase trains; everything else is frozen and in eval mode. */
  readonly trains: readonly Module[]
  losses(batch: Batch): Losses
  /** Runs once before step 0 of the phase (not on resume), with the batch of that step. */
  begin?(batch: Batch): void
  /** Runs after each optimiser step, e.g. to restart dead codes. Must be a function of its arguments and module state. */
  afterStep?(batch: Batch): void
  /** Called without gradients and in eval mode, over the validation batches. */
  validate(batches: AsyncIterable<Batch>): Promise<ValidationResult>
}

/** Random transforms of training batches; masks of all raters move with the image. */
export interface AugmentationRecipe {
  readonly flipHorizontal: number
  readonly flipVertical: number
  /** Largest rotation in degrees, uniform in plus or minus. */
  readonly rotateDegrees: number
  /** Multiples of 90 degrees, each equally likely. */
  readonly rotate90: boolean
  /** Side of the crop fed to the network, [H, W]; null keeps the size. */
  readonly crop: readonly number[] | null
  /** Where the crop is taken in training. Validation always uses the centre. */
  readonly cropAt: 'centre' | 'random'
  /** Scales brightness and contrast of the image by a factor in [1 - x, 1 + x]. */
  readonly intensity: number
}

export interface PredictOptions {
  readonly samples: number
  readonly seed: number
  /** Number of the first image in its series: draws depend on (seed, image number, sample). */
  readonly firstImage: number
  readonly signal?: AbortSignal
  readonly rule: ConsensusRule
  readonly stages: boolean
  /** Overrides of the method's own sampling options. */
  readonly temperature?: readonly number[]
  readonly topK?: number
  readonly topP?: number
  readonly greedy?: boolean
}

/** Dense result: row-major data and its shape. */
export interface Volume {
  readonly data: Float32Array
  readonly shape: readonly number[]
}

export interface Stage {
  /** Human name of the step, e.g. `scale 3 (3x3)`. */
  readonly name: string
  /** Probabilities of one sample at this step, [N, classes, ...size]. */
  readonly probabilities: Volume
}

export interface Prediction {
  /** [N, classes, ...size], foreground classes only, in [0, 1]. */
  readonly probabilities: Volume
  /** [S, N, classes, ...size], 0 or 1: plausible masks, where the method samples. */
  readonly samples?: Volume
  /** Per-pixel uncertainty [N, classes, ...size] in [0, 1]. */
  readonly uncertainty?: Volume
  /** Coarse to fine, for people to look at. */
  readonly stages?: readonly Stage[]
}

export interface SegmentationModel extends Module {
  /** Training phases in order: most methods have one, AR-Seg has two. */
  phases(): readonly Phase[]
  /** @param images [N, C, ...imageSize] float32 in [0, 1]. */
  predict(images: Tensor, options: PredictOptions): Promise<Prediction>
}

export interface Method<Options> {
  readonly name: string
  readonly title: string
  /** One line for `septum methods`. */
  readonly summary: string
  readonly paper: string
  /** The defaults are the paper's unless the schema says otherwise. */
  readonly options: z.ZodType<Options>
  build(options: Options, task: Task): SegmentationModel
}
