import type { BundleManifest, MedicalImage } from '@septum/core'
import type { ClassStatistics } from 'septum/browser'
import type { Problem } from '../files/problem.js'
import type { Backend, BackendReport } from './backend.js'

/** Where a bundle lies: a folder beside the page, or files that a person opened. */
export type ModelSource = { readonly url: string } | { readonly files: readonly File[] }

export interface RunRequest {
  readonly image: MedicalImage
  /** [y, x], see `placementOf`. */
  readonly centre: readonly [number, number] | null
  readonly samples: number
  readonly seed: number
}

/** One class on the grid of the image. */
export interface ClassMaps {
  /** [S][H * W] of 0 and 1. */
  readonly samples: readonly Uint8Array[]
  /** [H * W] in [0, 1]. */
  readonly probability: Float32Array
}

/** A mask while it grows, on the grid of the image. */
export interface StageMap {
  /** Side of the token map, or what the method calls the stage. */
  readonly name: string
  readonly index: number
  readonly total: number
  readonly classIndex: number
  readonly probability: Float32Array
}

export interface RunResult {
  readonly classes: readonly ClassMaps[]
  /** Coarse to fine of the first sample, for each class; empty for methods without stages. */
  readonly stages: readonly StageMap[]
  readonly seconds: number
  readonly seed: number
  /** Methods that sample: drawn tokens of each class and mask. */
  readonly tokens?: readonly (readonly Int32Array[])[]
}

export interface VolumeRequest {
  /** [C, D, H, W] */
  readonly image: MedicalImage
  readonly samples: number
  readonly seed: number
}

/** A segmented volume on its own grid. */
export interface VolumeResult {
  /** [D, H, W] */
  readonly size: readonly number[]
  /** 0 background, i + 1 for class i. */
  readonly labels: Uint8Array
  /** Label maps of the masks that a sampling model drew; empty for others. */
  readonly hypotheses: readonly Uint8Array[]
  readonly statistics: readonly ClassStatistics[]
  readonly seconds: number
  readonly seed: number
}

export type ToWorker =
  | { readonly type: 'open'; readonly source: ModelSource; readonly runtime: string }
  | { readonly type: 'run'; readonly request: RunRequest }
  | { readonly type: 'backend'; readonly wish: Backend; readonly leastGain?: number }
  | { readonly type: 'volume'; readonly request: VolumeRequest }

export type FromWorker =
  | { readonly type: 'loading'; readonly done: number; readonly total: number }
  | { readonly type: 'opened'; readonly manifest: BundleManifest }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'stage'; readonly stage: StageMap }
  | { readonly type: 'result'; readonly result: RunResult }
  | { readonly type: 'backend'; readonly report: BackendReport }
  | { readonly type: 'volume-result'; readonly result: VolumeResult }
  | { readonly type: 'problem'; readonly problem: Problem }
