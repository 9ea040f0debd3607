export {
  agreementOf,
  bundleFolder,
  bundleName,
  type OpenBundle,
  openBundleFolder,
} from './bundles.js'
export type { Flip } from './grid/mirror.js'
export { findInputs, type InputCase } from './input/find.js'
export { availableBytes, type ModelCost, measureModel } from './memory.js'
export type { CaseFailure, CaseRecord } from './output/records.js'
export type { OutputFormat } from './output/write-case.js'
export { usualWindow, type WindowChoice } from './planes.js'
export {
  type BundlePredictRequest,
  type BundlePredictResult,
  type FinishedCase,
  type InferenceSettings,
  predictBundles,
  segmentCase,
} from './predict.js'
export { type CleaningRules, noCleaning, type SegmentedCase, segmentImage } from './segment.js'
export type { ClassStatistics } from './statistics.js'
