import type { ConsensusRule } from '../consensus.js'
import type { BundleManifest } from './manifest.js'

/** Row-major values and their shape. */
export interface BundleMap {
  readonly data: Float32Array
  readonly shape: readonly number[]
}

/** One step from coarse to fine of a sample, for people to look at. */
export interface BundleStage {
  /** E.g. `4x4`. */
  readonly name: string
  readonly index: number
  readonly total: number
  /** Class that `onStage` is told of; in a finished prediction the stage holds all classes and this is the first. */
  readonly classIndex: number
  /** [1, ...size] in `onStage`, [classes, ...size] in a finished prediction. */
  readonly probabilities: BundleMap
}

export interface BundlePrediction {
  /** [classes, ...size] in [0, 1]. */
  readonly probabilities: BundleMap
  /** [classes, ...size] in [0, 1]. */
  readonly uncertainty: BundleMap
  /** [S, classes, ...size] of 0 and 1; S is 1 for a method of one mask. */
  readonly samples: BundleMap
  /** Methods that sample: drawn tokens of each class and sample. */
  readonly tokens?: readonly (readonly Int32Array[])[]
  /** Coarse to fine. */
  readonly stages?: readonly BundleStage[]
}

export interface BundlePredictOptions {
  /** Masks to draw; default as the manifest says. */
  readonly samples?: number
  /** Index of the first of them. Default 0. */
  readonly firstSample?: number
  readonly seed?: number
  /** Number of the image in its series: draws depend on it. Default 0. */
  readonly imageStream?: number
  /** Classes to predict, from 0, in the order of the maps. Default all. */
  readonly classes?: readonly number[]
  readonly temperature?: readonly number[]
  readonly topK?: number
  readonly topP?: number
  readonly guidance?: number
  readonly greedy?: boolean
  /** Samples run together. Default all. */
  readonly rowsPerBatch?: number
  readonly rule?: ConsensusRule
  /** Keeps the stages of the first sample. */
  readonly stages?: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  /** Called as each step of the first sample is there; implies `stages`. */
  readonly onStage?: (stage: BundleStage) => void
}

/** A bundle ready to run. */
export interface BundleModel {
  readonly manifest: BundleManifest
  /**
   * Segments one image.
   * @param image [C, ...size], preprocessed as the manifest says
   * @throws SeptumError `bundle-input`, `bundle-graph`, those of `sampleMasks`; the signal's reason when aborted
   */
  predict(
    image: Float32Array,
    size: readonly number[],
    options?: BundlePredictOptions,
  ): Promise<BundlePrediction>
  /**
   * Raw logits of a batch, for sliding windows; only where the model is one graph. `mapsOfLogits` makes masks of them.
   * @param images [N, C, ...size] @returns [N, maps, ...size]; maps are the classes, after background with softmax
   */
  logits?(images: Float32Array, shape: readonly number[]): Promise<Float32Array>
  release(): Promise<void>
}
