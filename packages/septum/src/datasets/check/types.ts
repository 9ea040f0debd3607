import type { SplitName } from '../splits.js'
import type { Spread } from './numbers.js'

/** One thing that is wrong, or that a person should look at. */
export interface Finding {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly case?: string
  readonly file?: string
}

/** Intensities of one channel over all images. */
export interface IntensityRow {
  readonly channel: string
  readonly min: number
  readonly max: number
  /** Mean of the images' means, and their standard deviations' mean. */
  readonly mean: number
  readonly std: number
  /** Quantiles of evenly spaced samples of all images. */
  readonly p005: number
  readonly p50: number
  readonly p995: number
}

export interface ClassRow {
  readonly name: string
  /** Labelled cases in which some rater marked it. */
  readonly cases: number
  /** Share of all labelled samples, mean over raters. */
  readonly share: number
  /** Sizes of connected parts (of numbered objects) over all raters, in `unit`. */
  readonly parts: Spread | undefined
  readonly partsPerCase: number
  /** All sizes, for a histogram; at most 20,000, evenly chosen. */
  readonly sizes: readonly number[]
  readonly unit: 'px' | 'mm³'
}

export interface Duplicate {
  readonly cases: readonly string[]
  /** Parts of the split that hold them. */
  readonly parts: readonly SplitName[]
  /** In more than one part: the test has seen its answers. */
  readonly leak: boolean
  /** Of more than one patient. */
  readonly patients: number
}

/** Everything that `septum data check` finds out. Plain data. */
export interface DatasetCheck {
  readonly name: string
  readonly dir: string
  readonly layout: string
  readonly licence: string | undefined
  readonly source: string | undefined
  readonly citation: readonly string[]
  readonly cases: number
  readonly labelled: number
  readonly patients: number
  readonly volumes: number
  readonly raters: readonly string[]
  readonly classes: readonly string[]
  /** In words: what mask values mean. */
  readonly labels: string
  readonly channels: string
  readonly formats: readonly { readonly value: string; readonly count: number }[]
  readonly sampleTypes: readonly { readonly value: string; readonly count: number }[]
  /** `640 x 480` or `512 x 512 x 120`, x first. */
  readonly sizes: readonly { readonly value: string; readonly count: number }[]
  /** Of each spatial axis, x first. */
  readonly sizeRanges: readonly Spread[]
  readonly spacings: readonly { readonly value: string; readonly count: number }[]
  readonly spacingRanges: readonly Spread[]
  readonly withoutSpacing: number
  readonly intensities: readonly IntensityRow[]
  readonly classRows: readonly ClassRow[]
  /** Labelled cases in which no rater marked anything. */
  readonly emptyCases: number
  readonly split:
    | {
        readonly scheme: string
        readonly hash: string
        readonly parts: Readonly<Record<SplitName, { readonly cases: number; readonly patients: number }>>
        readonly labelled: number | undefined
      }
    | undefined
  readonly duplicates: readonly Duplicate[]
  readonly problems: readonly Finding[]
  readonly warnings: readonly Finding[]
}
