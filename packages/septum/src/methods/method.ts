import type {
  BundleGraph,
  BundleGraphs,
  BundleSize,
  ConsensusRule,
  NextScaleEngine,
  Reporter,
} from '@septum/core'
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
  /** Labels that together make class i, where classes are regions that may share labels. */
  readonly regions?: readonly (readonly number[])[]
  /** True where masks may hold 255: samples that no loss and no score counts. */
  readonly ignores?: true
  /** Cases of a batch by the planner of the run, where the recipe asks for one. */
  readonly plannedBatch?: number
}

/** One training or validation batch, on the training device. */
export interface Batch {
  /** [N, C, ...size], float32, values in [0, 1] unless the run's preprocessing says otherwise. */
  readonly images: Tensor
  /** [N, R, ...size], uint8 label values; R raters, an all-zero mask where a rater marked nothing. */
  readonly masks: Tensor
  /** Case names in batch order, for messages. */
  readonly cases: readonly string[]
  /** Optimiser step this batch belongs to, from 0 (0 in validation). */
  readonly step: number
  /** Images without masks, where the recipe asks for them and the data set has them. */
  readonly unlabelled?: UnlabelledBatch
  /** Classes, from 0, that the masks of each case tell of; absent: all. Of the others nothing is known. */
  readonly annotated?: readonly (readonly number[])[]
}

/** Views of unlabelled images for teacher and student; all of them share one geometry. */
export interface UnlabelledBatch {
  /** Weak view, [M, C, ...size] float32: geometry only. */
  readonly weak: Tensor
  /** Strong views, each [M, C, ...size]: the weak view with an appearance of its own, then mixed. */
  readonly strong: readonly Tensor[]
  /**
   * Mixes `values` [M, ..., ...size] of the weak view (pseudo-labels, confidences) exactly as the pixels of strong
   * view `view` were mixed; `values` itself where that view was not mixed.
   */
  mixed(view: number, values: Tensor): Tensor
  readonly cases: readonly string[]
}

export type Schedule =
  | { readonly kind: 'constant' }
  | { readonly kind: 'linear'; readonly end: number }
  | { readonly kind: 'polynomial'; readonly power: number }
  | { readonly kind: 'cosine'; readonly end: number }
  /** Times `factor` after each `every` steps. */
  | { readonly kind: 'step'; readonly every: number; readonly factor: number }
  | { readonly kind: 'exponential'; readonly end: number }
  /** Up to the share `peak` of the steps and down again, in place of a warm-up; changes each `every` steps. */
  | { readonly kind: 'triangle'; readonly peak: number; readonly every: number }

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
  /** Factor on the learning rate of a parameter, e.g. 0.1 for a pretrained encoder. Default 1. */
  readonly rate?: (name: string, parameter: Tensor) => number
  readonly schedule: Schedule
  /** Share of all steps spent in linear warm-up from 0. */
  readonly warmup: number
  /** Largest gradient norm; null leaves gradients as they are. */
  readonly clipNorm: number | null
  /** Largest absolute value of each element of a gradient, cut after `clipNorm`. Default none. */
  readonly clipValue?: number | null
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
  /**
   * What this phase makes of the first rater's masks, [N, classes, ...size] in [0, 1], for people to look at; absent:
   * the method's prediction. Called as `validate` is.
   */
  show?(batch: Batch): Tensor
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
  /** Share of cases that `rotateDegrees` and `tiltDegrees` turn at all. Default 1. */
  readonly rotateProbability?: number
  /** Volumes: probability of a mirror image front to back. Default 0. */
  readonly flipDepth?: number
  /** Volumes: largest rotations about the vertical and the horizontal axis of a slice. Default none. */
  readonly tiltDegrees?: readonly [vertical: number, horizontal: number]
  readonly scale?: ScaleRecipe
  readonly elastic?: ElasticRecipe
  readonly appearance?: AppearanceRecipe
  readonly multiScale?: MultiScaleRecipe
  readonly mix?: MixRecipe
  readonly patches?: PatchRecipe
  readonly unlabelled?: UnlabelledRecipe
  /** Values that changes of appearance are cut to; null for z-scores, which have no ends. Default [0, 1]. */
  readonly valueRange?: readonly [number, number] | null
}

/** From, to: a value is drawn uniformly between them. */
export type Range = readonly [number, number]

export interface ScaleRecipe {
  readonly probability: number
  /** Above 1 enlarges. */
  readonly factor: Range
  /** Each axis gets a factor of its own. Default false. */
  readonly separate?: boolean
}

/** Free deformation by a cubic B-spline whose control points move at random. */
export interface ElasticRecipe {
  readonly probability: number
  /** Distance of control points, in samples of the finest axis. */
  readonly spacing: number
  /** Largest shift of a control point along an axis, in the same unit; up to 0.4 spacings nothing can fold. */
  readonly magnitude: Range
}

/** Changes of values, in the order in which they are applied. */
export interface AppearanceRecipe {
  /** Gaussian noise of a standard deviation in image values. */
  readonly noise?: { readonly probability: number; readonly std: Range }
  /** Gaussian blur, sigma in samples. */
  readonly blur?: { readonly probability: number; readonly sigma: Range }
  /** Factor on all values. */
  readonly brightness?: { readonly probability: number; readonly factor: Range }
  /** Factor on the distance from the mean of each channel. */
  readonly contrast?: { readonly probability: number; readonly factor: Range }
  /** Sampled down by a factor below 1 (nearest), then up again (linear). */
  readonly lowResolution?: { readonly probability: number; readonly zoom: Range }
  /** Exponent on values in their range; `invert` is the share of these cases in which dark and bright change sides. */
  readonly gamma?: { readonly probability: number; readonly exponent: Range; readonly invert?: number }
  /** RGB: largest changes of brightness, contrast, saturation (factors 1 ± x) and hue (turns, up to 0.5). */
  readonly colour?: {
    readonly probability: number
    readonly brightness: number
    readonly contrast: number
    readonly saturation: number
    readonly hue: number
  }
  /** RGB: probability of a grey image. */
  readonly grey?: number
}

/** Batches of several sizes: each side times a rate, rounded to a multiple. */
export interface MultiScaleRecipe {
  readonly rates: readonly number[]
  readonly multiple: number
  /** One rate a batch at random, or every batch of cases once at each rate in turn (PraNet, Inf-Net). */
  readonly order: 'random' | 'each'
}

/** Mixes cases of a batch. */
export interface MixRecipe {
  /** A box of another case; its share of the image and its ratio of height to width are drawn. */
  readonly cutMix?: { readonly probability: number; readonly area: Range; readonly aspect: Range }
  /** What any rater marked in another case, pasted with its marks. Needs masks. */
  readonly copyPaste?: { readonly probability: number }
}

/** Where crops of images larger than the crop are taken. */
export interface PatchRecipe {
  /** Share of crops that must show foreground: a marked sample, of a class chosen first, at their centre. */
  readonly foreground: number
  /** The last crops of each batch (nnU-Net), or each crop by chance. */
  readonly choose: 'last' | 'chance'
}

export interface UnlabelledRecipe {
  readonly batchSize: number
  /** Strong views of each image. */
  readonly views: number
  /** What makes a view strong. */
  readonly appearance: AppearanceRecipe
  readonly mix?: Pick<MixRecipe, 'cutMix'>
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

/** An input of a graph. */
export interface GraphInput {
  readonly name: string
  readonly type: 'float32' | 'int64'
  /** Numbers, and names of {@link GraphRequest.axes}. */
  readonly shape: readonly (number | string)[]
  /** Whole numbers are drawn from [0, below) for the recording. */
  readonly below?: number
}

/** An axis of inputs whose size may differ from call to call. */
export interface GraphAxis {
  /** Two different sizes that the model is recorded with; both larger than 1. */
  readonly recorded: readonly [number, number]
  /** The size that is taken where the model turns out to depend on it; null: it must not. */
  readonly otherwise: number | null
}

export interface GraphRequest {
  /** File without its ending. */
  readonly name: string
  readonly inputs: readonly GraphInput[]
  readonly outputs: readonly string[]
  readonly axes: Readonly<Record<string, GraphAxis>>
  /** Called with gradients on; the model needs none. */
  run(inputs: readonly Tensor[]): readonly Tensor[]
}

/** Turns functions of tensors into ONNX graphs of a bundle. */
export interface GraphExporter {
  /**
   * @returns the graph, with the axes that became dynamic by their names; `reason` says why others did not.
   * @throws SeptumError naming the module whose operator has no ONNX form
   */
  graph(request: GraphRequest): { readonly graph: BundleGraph; readonly reason?: string }
}

/** What the graphs of a bundle are for, and what the trainer itself gives, to compare with. */
export interface BundleParts {
  readonly size: BundleSize
  readonly model: BundleGraphs
  /** For `next-scale`: the trainer's own engine. */
  readonly engine?: NextScaleEngine<unknown, unknown, Tensor>
}

export interface SegmentationModel extends Module {
  /** Training phases in order: most methods have one, AR-Seg has two. */
  phases(): readonly Phase[]
  /**
   * Gives the model published weights to start from, and says so. Called once before training, resumed or not
   * (a checkpoint then takes their place), never for prediction. Draws no random numbers.
   */
  initialise?(reporter: Reporter): void
  /** @param images [N, C, ...imageSize] float32 in [0, 1]. */
  predict(images: Tensor, options: PredictOptions): Promise<Prediction>
  /** Records the parts of the model that a bundle needs. In evaluation mode, weights frozen. */
  export?(graphs: GraphExporter): BundleParts
}

export interface Method<Options> {
  readonly name: string
  readonly title: string
  /** One line for `septum methods`. */
  readonly summary: string
  readonly paper: string
  /** The defaults are the paper's unless the schema says otherwise. */
  readonly options: z.ZodType<Options>
  /** What its losses and validation heed beyond plain labels: `Task.regions`, `Task.ignores`, `Batch.annotated`. */
  readonly heeds?: readonly ('regions' | 'ignores' | 'annotated')[]
  /** Whether nnU-Net's planner gives the patch, the batch and the places of patches where nobody sets them. */
  plans?(options: Options): boolean
  build(options: Options, task: Task): SegmentationModel
}
