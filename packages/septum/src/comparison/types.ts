import type { MetricEntry, MetricOptions, Reporter } from '@septum/core'
import type { Evaluation } from '../evaluation/types.js'
import type { RunConfig } from '../training/api.js'

/** One line of the comparison: a method with its settings. */
export interface ComparisonEntry {
  /** The method's name, or that of a variant of it. */
  readonly name: string
  /** Resolved; seed, split and steps are set for each run. */
  readonly config: RunConfig
}

/** How long every method trains, unless its own settings say otherwise. */
export type Budget =
  | { readonly kind: 'steps'; readonly steps: number }
  /** Passes over the training cases, at the batch size of the method. */
  | { readonly kind: 'epochs'; readonly epochs: number }

export interface CompareRequest {
  readonly entries: readonly ComparisonEntry[]
  /** Folder of the comparison; a comparison in it is gone on with. */
  readonly out: string
  /** Folds of a cross-validation; null: one split, that of the data set where it has one. */
  readonly folds: number | null
  /** Number of seeds; the first is `firstSeed`. */
  readonly seeds: number
  /** Also draws folds and splits. */
  readonly firstSeed: number
  readonly budget: Budget
  /** Presets and metric ids; empty: by what there is to score. */
  readonly metrics: readonly string[]
  readonly metricOptions?: Partial<MetricOptions>
  /** Masks drawn for an image by methods that sample. Default 16. */
  readonly samples?: number
  /** Text of the `config.yaml` of a run. */
  readonly configText: (config: RunConfig) => string
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

/** One training, as planned. */
export interface PlannedRun {
  readonly entry: string
  readonly fold: number | null
  readonly seed: number
  /** `fold-0-seed-1`, `seed-1`. */
  readonly name: string
  readonly folder: string
  readonly config: RunConfig
}

/** What one prediction of one image costs. */
export interface Cost {
  readonly parameters: number
  /** Multiply-adds of convolutions and linear layers, for one mask of one image. */
  readonly macs: number
}

export interface Speed {
  /** Images one after the other, network and consensus, without reading files. */
  readonly framesPerSecond: number
  readonly device: string
  readonly threads: number
  /** Masks drawn for each image; 1 for a method that gives one. */
  readonly samples: number
}

/** How a phase of training goes, for the table of settings. */
export interface PhaseRecipe {
  readonly name: string
  readonly steps: number
  readonly batchSize: number
  readonly optimizer: string
  readonly lr: number
  readonly augmentation: string
}

export interface RunFailure {
  readonly entry: string
  /** null: before any run, when the model was built. */
  readonly run: string | null
  readonly code: string
  /** One sentence with its remedy. */
  readonly message: string
}

/** A run with its scores. */
export interface ComparedRun {
  readonly entry: string
  readonly name: string
  readonly fold: number | null
  readonly seed: number
  readonly folder: string
  readonly cases: number
  readonly trainingSeconds: number
  readonly speed: Speed
  /** Mean of each metric over the test cases, and over the classes, by metric id. */
  readonly means: Readonly<Record<string, number>>
}

/** One metric of one method over its runs. */
export interface RunStatistics {
  readonly metric: string
  readonly runs: number
  /** Mean over the runs of the mean over the cases of each. */
  readonly mean: number
  /** Between the runs (n - 1); NaN with one. */
  readonly sd: number
  /** Between seeds, each averaged over its folds; NaN with one seed. */
  readonly sdSeeds: number
  /** Between folds, each averaged over its seeds; NaN without folds. */
  readonly sdFolds: number
}

export interface ComparedMethod {
  readonly name: string
  readonly method: string
  readonly title: string
  readonly imageSize: readonly number[]
  readonly phases: readonly PhaseRecipe[]
  readonly parameters: number
  readonly macs: number
  /** Median over the runs; NaN where none has finished. */
  readonly framesPerSecond: number
  readonly samples: number
  /** Mean of a run. */
  readonly trainingSeconds: number
  readonly finished: number
  readonly planned: number
  readonly statistics: readonly RunStatistics[]
}

/** The result; `results.json` holds it. */
export interface Comparison {
  readonly title: string
  readonly protocol: Protocol
  readonly metrics: readonly MetricEntry[]
  readonly methods: readonly ComparedMethod[]
  readonly runs: readonly ComparedRun[]
  readonly failures: readonly RunFailure[]
  /** Scores of each case averaged over the seeds, with tests and rankings; null where nothing has finished. */
  readonly evaluation: Evaluation | null
  readonly notes: readonly string[]
}

export interface Protocol {
  readonly dataset: string
  readonly cases: number
  readonly patients: number
  readonly folds: number | null
  readonly seeds: readonly number[]
  /** How patients were divided. */
  readonly scheme: string
  readonly splitHashes: readonly string[]
  readonly budget: Budget
  readonly resize: 'crop' | 'stretch'
}
