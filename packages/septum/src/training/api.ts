import type { Reporter } from '@septum/core'
import { z } from 'zod'
import type { Method } from '../methods/method.js'
import { dataSchema } from './data-settings.js'

const trainingSchema = z.strictObject({
  steps: z
    .record(z.string(), z.int().min(1))
    .default({})
    .describe("optimiser steps by phase, in place of the method's own"),
  epochs: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'passes over the training cases in place of the steps of the method, shared among its phases; training.steps goes before',
    ),
  validateEvery: z.int().min(1).default(500).describe('steps between validations'),
  validationCases: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('cases of a validation, spread over the split; null: all, of whole volumes at most 16'),
  validateVolumes: z
    .enum(['whole', 'centre'])
    .default('whole')
    .describe('whole: every volume in overlapping patches, as in prediction; centre: one patch of each'),
  checkpointEvery: z.int().min(1).default(500).describe('steps between checkpoints'),
  logEvery: z.int().min(1).default(10).describe('steps between lines of log.jsonl and TensorBoard points'),
  pictures: z
    .int()
    .min(0)
    .max(16)
    .default(4)
    .describe('validation cases that are drawn after each validation; 0: none'),
  precision: z
    .enum(['auto', 'float32', 'bfloat16', 'float16'])
    .default('auto')
    .describe('of the arithmetic; auto: bfloat16 where a GPU has it, else float32'),
})

/** Schema of `config.yaml`. `options` is checked by the schema of the method. */
export const runConfigSchema = z.strictObject({
  method: z.string().min(1).describe('see septum methods'),
  data: dataSchema,
  seed: z.int().min(0).default(0).describe('of every random draw'),
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, 'auto, cpu, cuda or cuda:<number> is expected')
    .default('auto')
    .describe('auto: the first GPU, else the CPU'),
  threads: z.int().min(0).default(0).describe('CPU threads; 0: one for each core'),
  licence: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('of the trained weights, for the bundle; an SPDX identifier where there is one'),
  training: trainingSchema.prefault({}),
  options: z.record(z.string(), z.unknown()).default({}).describe('see septum methods NAME'),
})

/** A resolved configuration: every value is there. */
export type RunConfig = z.infer<typeof runConfigSchema>

export interface TrainRequest {
  readonly config: RunConfig
  /** Text of `config.yaml`, written into `out` once the data was found sound. */
  readonly configText: string
  /** Folder of the run; made when missing. */
  readonly out: string
  /** Goes on from the newest checkpoint in `out`; from the beginning when there is none yet. */
  readonly resume: boolean
  readonly reporter: Reporter
  /** Aborted: save a checkpoint after the current step, then return with `interrupted`. */
  readonly signal: AbortSignal
}

export interface PhaseResult {
  readonly name: string
  readonly steps: number
  readonly seconds: number
  /** Score of the best checkpoint (higher is better); null when nothing was validated. */
  readonly bestScore: number | null
  readonly bestStep: number | null
  /** Metrics of the best validation by name. */
  readonly metrics: Readonly<Record<string, number>>
}

export interface TrainOutcome {
  readonly run: string
  readonly interrupted: boolean
  /** Steps finished in all phases, and their number in a whole run. */
  readonly steps: number
  readonly totalSteps: number
  readonly phases: readonly PhaseResult[]
  readonly seconds: number
  /** Share of the step time spent waiting for data, 0 to 1. */
  readonly dataWait: number
  /** Cases of the test part; where there are none, validation is what can be scored. */
  readonly testCases: number
}

export interface PredictRequest {
  readonly run: string
  /** Image files and folders; empty when `split` is given. */
  readonly inputs: readonly string[]
  /** Predicts a part of the run's own data set instead of files. */
  readonly split?: SplitName
  /** With `split`: another data set than the run's own, its `dataset.yaml`, and names of cases in place of the part's. */
  readonly dataset?: string
  readonly description?: string
  readonly cases?: readonly string[]
  readonly out: string
  /** Masks drawn for an image; the method's own number by default. */
  readonly samples?: number
  readonly seed: number
  /** Called with every case, e.g. to draw it. @returns files that it wrote. */
  readonly onCase?: (item: PredictedCase) => Promise<number>
  readonly device: string
  readonly threads: number
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

/** One image with everything that was predicted for it and, where there is one, its reference. */
export interface PredictedCase {
  readonly name: string
  readonly patient: string
  readonly width: number
  readonly height: number
  /** Slices of a volume, whose maps are [D, H, W] and made when they are asked for; absent for a picture. */
  readonly depth?: number
  /** Distance of samples along each axis of a volume, where the file tells it. */
  readonly spacingMm?: readonly number[]
  /** [C, H, W] in [0, 1], of a volume [C, D, H, W]. */
  readonly image: Float32Array
  readonly channels: number
  /** By class. */
  readonly classes: readonly PredictedClass[]
}

/** Maps of one class at the size of the image, row-major. Of a volume each look at one makes it anew. */
export interface PredictedClass {
  readonly name: string
  /** In [0, 1]. */
  readonly probability: Float32Array
  readonly uncertainty: Float32Array
  /** Sampled masks, 0 or 1; the one mask of a method that does not sample. */
  readonly samples: readonly Uint8Array[]
  /** Coarse to fine. */
  readonly stages: readonly { readonly label: string; readonly probabilities: Float32Array }[]
  /** One a rater; empty without a reference. */
  readonly raters: readonly Uint8Array[]
  /** By metric; without a reference none. */
  readonly scores: Readonly<Record<string, number>>
}

export interface PredictResult {
  readonly out: string
  readonly cases: number
  /** 0 for a method that does not sample. */
  readonly samples: number
  /** Files written: masks, probability maps, samples, pictures. */
  readonly files: number
  readonly seconds: number
}

export type SplitName = 'train' | 'val' | 'test'

export interface SplitCasesRequest {
  readonly run: string
  readonly split: SplitName
  /** Another data set than the one the run was trained on. */
  readonly dataset?: string
  /** `dataset.yaml` of a data set that has none of its own. */
  readonly description?: string
  readonly reporter: Reporter
}

/** What a part of a data set holds for a run. */
export interface SplitCases {
  /** Folder of the data set. */
  readonly dataset: string
  readonly description?: string
  readonly cases: readonly string[]
}

export interface EvaluateRunRequest {
  /** Called with every case that was scored, e.g. to draw it. */
  readonly onCase?: (item: PredictedCase) => Promise<void> | void
  /** `onCase` takes volumes too; without it a run on volumes is refused. */
  readonly volumes?: boolean
  readonly run: string
  /** Another data set than the one the run was trained on. */
  readonly dataset?: string
  /** `dataset.yaml` of a data set that has none of its own. */
  readonly description?: string
  readonly split: SplitName
  readonly samples?: number
  readonly seed: number
  readonly device: string
  readonly threads: number
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

/** What a finished run tells of its training. */
export interface RunSummary {
  readonly method: string
  readonly parameters: number
  readonly seconds: number
  readonly seed: number
}

/** What a report cites. */
export interface DatasetCard {
  readonly name: string
  readonly licence?: string
  readonly source?: string
  readonly citation: readonly string[]
}

/** One metric of one class over all cases. */
export interface MetricRow {
  /** Key for programs, e.g. `hmIou`. */
  readonly metric: string
  /** Name for people, e.g. `HM-IoU`. */
  readonly label: string
  /** Class name; null for the mean over classes or where there is one class. */
  readonly class: string | null
  readonly better: 'higher' | 'lower' | null
  readonly mean: number
  /** 95 % bootstrap interval, resampled by patient; null where there is one patient only. */
  readonly interval: readonly [low: number, high: number] | null
  /** Cases without a value, e.g. a surface distance to an empty mask. */
  readonly undefinedCases: number
}

export interface CaseScores {
  readonly case: string
  readonly patient: string
  /** Values by `metric`, or by `metric.class` with several classes. */
  readonly scores: Readonly<Record<string, number>>
}

export interface EvaluateResult {
  /** What was scored, e.g. `ar-seg, test split of lidc`. */
  readonly title: string
  readonly dataset: DatasetCard
  readonly cases: number
  readonly patients: number
  readonly samples: number
  readonly raters: number
  readonly seed: number | null
  readonly rows: readonly MetricRow[]
  readonly perCase: readonly CaseScores[]
  /** SHA-256 of the division by patient, where there is one. */
  readonly splitHash: string | null
  /** Sentences a reader needs to judge the numbers, e.g. the rule for two empty masks. */
  readonly notes: readonly string[]
  readonly seconds: number
}

/**
 * What `training/index.js` exports for the command line. Each function throws SeptumError for bad input and
 * the signal's reason when it was aborted (except `train`, which saves and returns).
 */
export interface TrainingApi {
  train(request: TrainRequest): Promise<TrainOutcome>
  predictRun(request: PredictRequest): Promise<PredictResult>
  evaluateRun(request: EvaluateRunRequest): Promise<EvaluateResult>
  splitCases(request: SplitCasesRequest): Promise<SplitCases>
  /** @throws SeptumError when the folder holds no finished run. */
  readSummary(run: string): RunSummary
}

/** The part of a method that the command line reads; `methods/index.js` exports `methods` of these. */
export type MethodCard = Pick<Method<unknown>, 'name' | 'title' | 'summary' | 'paper' | 'options'>
