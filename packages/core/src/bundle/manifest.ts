/** Name and version of the format that this code writes and reads; a reader refuses newer ones. */
export const bundleFormat = 'septum-bundle'
export const bundleVersion = 1

/** Name of the manifest inside a bundle. */
export const manifestFile = 'model.json'

/** A coded concept (DICOM PS3.3 section 8): `SCT` SNOMED CT, `DCM` DICOM. */
export interface BundleCode {
  readonly value: string
  readonly scheme: string
  readonly meaning: string
}

export interface BundleClass {
  readonly name: string
  /** Value in label maps, from 1 to 255; 0 is background. Number of the class from 1, unless classes are regions. */
  readonly label: number
  /** Labels whose samples belong to the class, where classes are regions that may overlap. Default: `label` alone. */
  readonly region?: readonly number[]
  /** `#rrggbb`, told apart by colour-blind people too. */
  readonly colour: string
  readonly category?: BundleCode
  readonly type?: BundleCode
}

/** What is done to the values of a channel before the network sees them; the toolkit's preprocessing as data. */
export type BundleIntensity =
  /** Divided by `maxValue`, or by the largest value that the file's format can hold where that is null, and cut at 1. */
  | { readonly kind: 'scale' }
  | { readonly kind: 'none' }
  | { readonly kind: 'windows'; readonly windows: readonly { readonly low: number; readonly high: number }[] }
  | { readonly kind: 'zScore'; readonly over: 'whole' | 'nonZero' }
  | {
      readonly kind: 'percentiles'
      readonly low: number
      readonly high: number
      readonly over: 'whole' | 'nonZero'
    }
  | { readonly kind: 'minMax' }
  | {
      readonly kind: 'meanStd'
      readonly mean: number
      readonly std: number
      readonly low: number | null
      readonly high: number | null
      readonly unit: boolean
    }

export interface BundlePreprocessing {
  /** One entry for all channels of a file, or one for each. */
  readonly channels: readonly BundleIntensity[]
  /** Distance of samples that images are resampled to, [z,] y, x; null: images are taken as they are. */
  readonly spacingMm: readonly number[] | null
  readonly interpolation: 'linear' | 'cubic' | 'nearest'
  /** Image value that becomes 1 with `scale`; null: the largest that the file's format can hold. */
  readonly maxValue: number | null
  /** How an image of another size came to the network in training: its centre, padded with 0, or stretched. */
  readonly fit: 'crop' | 'stretch'
  /** With `crop`: whether training saw windows of the whole image instead of its centre. Default `centre`. */
  readonly crops?: 'centre' | 'anywhere'
}

/** Sizes that the graphs take, [H, W] or [D, H, W]. */
export interface BundleSize {
  /** Size of the images in training; the best choice for a sliding window. */
  readonly trained: readonly number[]
  /** True: the graphs take exactly `trained`. False: any size; the runtime pads to multiples with 0 and cuts back. */
  readonly fixed: boolean
  readonly multipleOf: number
  /** Why the size is fixed, for people. */
  readonly reason?: string
}

/** One tensor of a graph: a number or the name of a dynamic axis for each dimension. */
export interface BundleTensor {
  readonly name: string
  readonly type: 'float32' | 'int64'
  readonly shape: readonly (number | string)[]
}

/** A file of the bundle that holds an ONNX graph. */
export interface BundleGraph {
  readonly file: string
  readonly opset: number
  readonly inputs: readonly BundleTensor[]
  readonly outputs: readonly BundleTensor[]
}

export interface MaskGraphs {
  readonly kind: 'mask'
  /** `sigmoid`: a map a class, each by itself. `softmax`: background first, then a map a class; the largest wins. */
  readonly output: 'sigmoid' | 'softmax'
  /** images [N, C, ...size] -> logits [N, maps, ...size] */
  readonly graphs: { readonly model: BundleGraph }
}

/** Defaults of sampling; a caller may override each. */
export interface BundleSampling {
  readonly samples: number
  /** One for each scale. */
  readonly temperature: readonly number[]
  /** Null: all tokens. */
  readonly topK: number | null
  readonly topP: number
  readonly guidance: number
}

/** AR-Seg (section 11): the sampler of core drives these through its `NextScaleEngine`. */
export interface NextScaleGraphs {
  readonly kind: 'next-scale'
  readonly scales: readonly number[]
  readonly vocabulary: number
  readonly layers: number
  /** Prefix tokens of an image. */
  readonly prefix: number
  /** Which scales a scale sees: all before it, or only the one before; the prefix always. Default `all`. */
  readonly context?: 'all' | 'previous'
  /**
   * Share of the sum of singular values that the low-rank branch of the condition keeps; with it the encoder gives
   * `tokens`, and `graphs.condition` makes `features` and `prefix` of them and their reconstruction.
   */
  readonly lowRank?: number
  /** Index of the "no class" token; null: trained without it. */
  readonly noClass: number | null
  readonly sampling: BundleSampling
  readonly graphs: {
    /** image -> features (prefix tokens), prefix (embedded for the transformer) */
    readonly encoder: BundleGraph
    /** With `lowRank`: tokens, rest -> features, prefix */
    readonly condition?: BundleGraph
    /** class, features -> condition, tokens (embedded, of scale 1) */
    readonly start: BundleGraph
    /** tokens (embedded), condition, past_keys_i, past_values_i -> logits, keys_i, values_i (with the new ones) */
    readonly transformer: BundleGraph
    /** For each scale: indices, latent (but the first), features -> sum, tokens (embedded, of the next scale) */
    readonly quantizer: readonly BundleGraph[]
    /** latent -> mask logits */
    readonly decoder: BundleGraph
  }
}

export type BundleGraphs = MaskGraphs | NextScaleGraphs

/** What was compared when the bundle was written; a bundle that fails is not written. */
export interface BundleVerification {
  readonly engine: string
  /** Real images of the run's data set. */
  readonly images: number
  /** Largest absolute difference from the trainer: of probabilities; next-scale: of all logits with equal tokens. */
  readonly maxDifference: number
  readonly tolerance: number
  /** Next-scale: sampled tokens compared, and how many of them were unlike. */
  readonly tokens?: { readonly compared: number; readonly unlike: number }
}

/** A bundle of fewer bits: how it was made of the one in single precision, and what that cost. */
export interface BundlePrecision {
  /** `fp16`: weights of 16 bits, arithmetic in single precision. `int8`: weights and activations of 8 bits. */
  readonly kind: 'fp16' | 'int8'
  /** Layers with weights of 8 bits (int8), or tensors of 16 bits (fp16). */
  readonly layers: number
  /** int8: module paths of the layers that stayed in single precision. */
  readonly kept?: readonly string[]
  /** int8: how the ranges of activations were found, on how many training images. */
  readonly calibration?: { readonly ranges: 'minmax' | 'percentile' | 'entropy'; readonly images: number }
  /** Absolute differences of probabilities from those in single precision, on the images of `dice`. */
  readonly maxDifference: number
  readonly meanDifference: number
  /** Means over images and classes: against the raters' majority, and of the two masks with each other. */
  readonly dice: {
    readonly images: number
    readonly split: 'train' | 'val' | 'test'
    readonly single: number
    readonly reduced: number
    readonly agreement: number
  }
}

export interface BundleFile {
  readonly file: string
  readonly bytes: number
  /** Hexadecimal. */
  readonly sha256: string
}

/** `model.json`: everything that a program needs to run a bundle and a person to judge it. */
export interface BundleManifest {
  readonly format: typeof bundleFormat
  readonly version: number
  /** Version of Septum that wrote it. */
  readonly septum: string
  readonly method: {
    readonly name: string
    readonly title: string
    readonly paper: string
    /** As trained, for the record. */
    readonly options: Readonly<Record<string, unknown>>
    readonly parameters: number
  }
  readonly dimensions: 2 | 3
  readonly classes: readonly BundleClass[]
  /**
   * Where classes are regions: their numbers, from 0, in the order in which they are painted into a label map, a later one
   * over an earlier one. Absent: classes exclude each other.
   */
  readonly paintOrder?: readonly number[]
  /** Channels of the network's input, after preprocessing. */
  readonly channels: number
  readonly size: BundleSize
  readonly preprocessing: BundlePreprocessing
  readonly model: BundleGraphs
  readonly training: {
    readonly dataset: string
    readonly licence: string | null
    readonly source: string | null
    readonly citation: readonly string[]
    readonly raters: number
    readonly seed: number
    readonly seconds: number | null
    /** SHA-256 over the names and patients of the data set's cases and their division; null: data not at hand. */
    readonly fingerprint: string | null
    readonly cases: { readonly train: number; readonly val: number; readonly test: number } | null
  }
  /** Of evaluations of the run that were at hand, by name. */
  readonly metrics: Readonly<Record<string, number>>
  /** Of the weights; SPDX where there is an identifier. */
  readonly licence: string | null
  /** Of the graphs in single precision. */
  readonly verification: BundleVerification
  /** Absent: single precision. */
  readonly precision?: BundlePrecision
  /** Every file of the bundle but the manifest. */
  readonly files: readonly BundleFile[]
  /** Shown wherever results are. */
  readonly notice: string
}
