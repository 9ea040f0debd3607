import type { CurveName, Emptiness, MetricEntry, MetricOptions, Ranking, Reporter } from '@septum/core'

/** A class or a region: the union of label values. */
export interface ClassSpec {
  readonly name: string
  /** Label values; null: every value above 0. */
  readonly values: readonly number[] | null
}

/** What the files of a method hold. */
export type PredictionKind = 'auto' | 'labels' | 'probabilities' | 'instances'

export interface EvaluateFoldersRequest {
  /** One for each method. */
  readonly methods: readonly MethodFolder[]
  /** A data set, or a folder of reference masks. */
  readonly references: string
  /** `dataset.yaml` for references that have none of their own. */
  readonly description?: string
  /** In place of the classes that the data set names. */
  readonly classes?: readonly ClassSpec[]
  /** Presets and metric ids; empty: chosen by what there is to score. */
  readonly metrics: readonly string[]
  readonly metricOptions?: Partial<MetricOptions>
  readonly kind?: PredictionKind
  /** Bring predictions onto the grid of their reference instead of refusing another one. */
  readonly resample?: boolean
  /** Folder of the images, for the pictures of the report; the data set's own by default. */
  readonly images?: string
  /** Only these cases of the references: `train`, `val`, `test` of a data set that names its splits. */
  readonly split?: 'train' | 'val' | 'test'
  /** Worker threads; 0: as many as pay. */
  readonly workers?: number
  /** Program of a worker thread. Default: this package's. */
  readonly program?: URL
  /** Only cases of these names, whatever the split; the references are a data set then. */
  readonly cases?: readonly string[]
  /** Seed of every bootstrap. Default 0. */
  readonly seed?: number
  readonly reporter: Reporter
  readonly signal: AbortSignal
}

export interface MethodFolder {
  readonly name: string
  readonly folder: string
  /** What its files hold, where that is known; else as of the request. */
  readonly kind?: PredictionKind
}

/** Scores of one case, one method and one class (null: all classes at once, for metrics of partitions). */
export interface CaseScore {
  readonly case: string
  readonly patient: string
  readonly method: string
  readonly class: string
  readonly values: Readonly<Record<string, number>>
  readonly empty: Readonly<Record<string, Emptiness>>
}

/** What went wrong with one case; the others are scored all the same. */
export interface CaseProblem {
  readonly case: string
  /** null: it concerns the reference. */
  readonly method: string | null
  readonly code: string
  /** One sentence with its remedy. */
  readonly message: string
}

/** How often the empty rule of a metric was asked. */
export interface EmptyCounts {
  /** Cases whose prediction, reference, or both mark nothing. */
  readonly prediction: number
  readonly reference: number
  readonly both: number
}

/** One metric of one method and class over all cases. */
export interface SummaryRow {
  readonly method: string
  /** null: the mean over the classes. */
  readonly class: string | null
  readonly metric: string
  /** Cases with a value. */
  readonly cases: number
  /** Cases that the empty rule leaves without one. */
  readonly undefinedCases: number
  readonly empty: EmptyCounts
  readonly mean: number
  readonly sd: number
  readonly median: number
  readonly q1: number
  readonly q3: number
  readonly min: number
  readonly max: number
  /** 95 % bootstrap interval of the mean (of the value that `mean` holds), patients resampled; null with one. */
  readonly interval: readonly [low: number, high: number] | null
}

/** Two methods on the cases that both have a value for. */
export interface ComparisonRow {
  readonly metric: string
  readonly class: string | null
  readonly a: string
  readonly b: string
  readonly cases: number
  /** Mean of a - b. */
  readonly difference: number
  readonly interval: readonly [low: number, high: number] | null
  /** Cases in which a is better, worse, equal. */
  readonly better: number
  readonly worse: number
  readonly equal: number
  /** Wilcoxon's signed-rank test, two-sided. */
  readonly p: number
  /** Corrected by Holm over all pairs and metrics of the evaluation; of rows of a class over those and all classes. */
  readonly pHolm: number
}

export interface RankingRow extends Ranking {
  readonly metric: string
  readonly class: string | null
}

/** Mean curve over the thresholds 255, 254, ..., 0. */
export interface MeanCurve {
  readonly method: string
  readonly class: string
  readonly curve: CurveName
  readonly values: readonly number[]
}

/** The whole result; `results.json` holds it. */
export interface Evaluation {
  readonly title: string
  readonly dataset: {
    readonly name: string
    readonly licence?: string
    readonly source?: string
    readonly citation: readonly string[]
  }
  readonly methods: readonly string[]
  readonly classes: readonly string[]
  readonly metrics: readonly MetricEntry[]
  readonly metricOptions: MetricOptions
  readonly cases: number
  readonly patients: number
  /** Hypotheses and raters of a case, at most. */
  readonly samples: number
  readonly raters: number
  readonly seed: number
  readonly rows: readonly SummaryRow[]
  readonly perCase: readonly CaseScore[]
  readonly comparisons: readonly ComparisonRow[]
  readonly rankings: readonly RankingRow[]
  /** The same for each class by itself; empty with one class. */
  readonly byClass: {
    readonly comparisons: readonly ComparisonRow[]
    readonly rankings: readonly RankingRow[]
  }
  readonly curves: readonly MeanCurve[]
  /** Cases that were to be scored and could not be. */
  readonly problems: readonly CaseProblem[]
  /** Names of references without a prediction by method, and of predictions without a reference. */
  readonly unpaired: readonly UnpairedCases[]
  /** Classes that no reference, or no prediction of a method, marks anywhere. */
  readonly absent: readonly AbsentClass[]
  readonly notes: readonly string[]
  readonly workers: number
  readonly seconds: number
}

export interface UnpairedCases {
  readonly method: string
  readonly withoutPrediction: readonly string[]
  readonly withoutReference: readonly string[]
}

export interface AbsentClass {
  readonly class: string
  /** null: in the references. */
  readonly method: string | null
}
