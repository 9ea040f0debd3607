/** A mask as one byte a pixel; anything but 0 is marked. Row-major, last axis fastest. */
export type Mask = Uint8Array

/** Foreground probabilities: floats in [0, 1], or bytes that stand for value / 255. */
export type ProbabilityMap = Float32Array | Float64Array | Uint8Array

/** Whole numbers, 0 = background: class numbers, or one number for each object. */
export type LabelMap = Uint8Array | Uint16Array | Uint32Array | Int32Array

/**
 * One case, one class or region: all that any metric may be computed from. Give what there is; a metric
 * whose input is missing refuses (`metric-input`). Every map has as many values as `shape` has pixels.
 */
export interface MetricInput {
  /** [height, width] or [depth, height, width]. */
  readonly shape: readonly number[]
  /** Distance between neighbours along each axis of `shape`. Default 1: lengths are then pixels. */
  readonly spacing?: readonly number[]
  /** Where absent: `probabilities` above the option `threshold`, or the strict majority of `samples`. */
  readonly prediction?: Mask
  /** Where absent: the strict majority of `raters`. */
  readonly reference?: Mask
  /** Where absent: the share of `samples` that mark a pixel, or the prediction as probabilities 0 and 1. */
  readonly probabilities?: ProbabilityMap
  /** Class numbers of every pixel, for metrics of partitions. */
  readonly predictedLabels?: LabelMap
  readonly referenceLabels?: LabelMap
  /** A number for each object (nucleus, gland, lesion), for metrics of instances. */
  readonly predictedInstances?: LabelMap
  readonly referenceInstances?: LabelMap
  /** Several hypotheses, as masks. Where absent: the prediction alone. */
  readonly samples?: readonly Mask[]
  /** The samples as probabilities, in the same order, for S_NCC; the masks serve where they are absent. */
  readonly sampleProbabilities?: readonly ProbabilityMap[]
  /** Several raters' masks. Where absent: the reference alone. */
  readonly raters?: readonly Mask[]
}

/** Which side of a comparison marks nothing. Of sets: all samples, all raters. */
export type Emptiness = 'none' | 'prediction' | 'reference' | 'both'

/** A score and what its empty rule was asked: to be counted, never averaged away unseen. */
export interface MetricValue {
  /** NaN where the empty rule says "undefined". Infinity is possible for distances. */
  readonly value: number
  readonly empty: Emptiness
}

export type Direction = 'higher' | 'lower' | 'none'

/** `length` and `volume` are pixels or, with a spacing, its unit and its cube (mm, mm³). */
export type MetricUnit = 'none' | 'length' | 'volume' | 'pixels' | 'count' | 'bits' | 'nats'

/** The part of `MetricInput` that a metric is computed from. */
export type MetricSource = 'mask' | 'probabilities' | 'labels' | 'instances' | 'hypotheses'

/** What is known of a metric before anything is computed. */
export interface MetricEntry {
  /** Key of results, camelCase, e.g. `hd95`. */
  readonly id: string
  /** As tables print it, e.g. `HD95`. */
  readonly title: string
  /** One sentence: what it measures, under which convention. */
  readonly description: string
  /** Which way is better; `none`: neither. */
  readonly direction: Direction
  /** Smallest and largest possible value; infinities where there is no bound. */
  readonly range: readonly [number, number]
  readonly unit: MetricUnit
  readonly input: MetricSource
  /** True where `spacing` changes the value. */
  readonly usesSpacing: boolean
  /** Numbers of spatial axes for which it is defined. */
  readonly dimensions: readonly (2 | 3)[]
  /** What it is when prediction, reference or both mark nothing: one sentence. */
  readonly empty: string
  /** Paper, or the tool whose numbers it reproduces. */
  readonly source: string
  /**
   * Set where the value of a data set is no mean over cases but the largest value of the mean curve of
   * that name (max Dice, max E). The value of a case is the maximum of its own curve.
   */
  readonly maximumOfCurve?: CurveName
}

/** Curves over the thresholds 255, 254, ..., 0: place i holds threshold 255 - i. */
export type CurveName = 'dice' | 'iou' | 'precision' | 'recall' | 'specificity' | 'f' | 'e'

/** One curve of 256 values for each name. */
export type Curves = Readonly<Record<CurveName, Float64Array>>

/** Settings that change a value; each has one default, stated in `defaultMetricOptions`. */
export interface MetricOptions {
  /** A probability is marked where it is strictly above this. */
  readonly threshold: number
  /** Stretch the probability map before the threshold makes a mask of it (one reading of NU-Net). Default false. */
  readonly stretchBeforeThreshold: boolean
  /** Stretch each probability map to [0, 1] before sweeps (PraNet, PySODMetrics, M2SNet do). */
  readonly minMax: boolean
  /** Squared beta of the F curves, 0.3 in saliency, 1 for Dice. */
  readonly betaSquared: number
  /** Tolerance of the surface Dice, in the unit of the spacing. */
  readonly tolerance: number
  /** Width of the band of boundary IoU as a share of the image diagonal. */
  readonly boundaryRatio: number
  /** What a distance is when exactly one mask is empty: undefined, or the diagonal of the image. */
  readonly oneEmptyDistance: 'undefined' | 'diagonal'
  /** Equal bins over [0, 1] of the calibration error. */
  readonly calibrationBins: number
  /** Where probability 0 goes in calibration: the first bin, or nowhere as in MoSE's program. */
  readonly calibrationZero: 'first' | 'dropped'
  /** Overlap of two empty masks inside GED, HM-IoU and the Dice of pairs. */
  readonly emptyPairs: 'perfect' | 'zero'
  /** Which marked pixels hang together, for lesions and topology: `full` 8 or 26, `cross` 4 or 6. */
  readonly connectivity: 'full' | 'cross'
  /** Least IoU for a lesion to count as found; 0: one common pixel is enough. */
  readonly lesionIou: number
}

export const defaultMetricOptions: MetricOptions = {
  threshold: 0.5,
  stretchBeforeThreshold: false,
  minMax: true,
  betaSquared: 0.3,
  tolerance: 1,
  boundaryRatio: 0.02,
  oneEmptyDistance: 'undefined',
  calibrationBins: 10,
  calibrationZero: 'first',
  emptyPairs: 'perfect',
  connectivity: 'full',
  lesionIou: 0,
}

/** What a family returns for one case: the wanted ids at least. */
export interface Measured {
  readonly values: Readonly<Record<string, number>>
  readonly empty: Emptiness
  /** Where other masks decide than for the rest of the family, such as a majority that is empty though no mask is. */
  readonly emptyOf?: Readonly<Record<string, Emptiness>>
  readonly curves?: Curves
}

/** Metrics that share one computation: each pass over a case is made once for all of them. */
export interface MetricFamily {
  readonly name: string
  readonly entries: readonly MetricEntry[]
  /**
   * @param input checked and completed by `measureCase`: the field that the entries name is there.
   * @param wanted ids of this family; others may be left out to save time.
   */
  measure(input: MetricInput, wanted: ReadonlySet<string>, options: MetricOptions): Measured
}

/** All scores of one case. */
export interface CaseMeasures {
  /** One value for each wanted id. */
  readonly values: Readonly<Record<string, MetricValue>>
  /** Present when a metric of the sweep family was wanted. */
  readonly curves?: Curves
}
