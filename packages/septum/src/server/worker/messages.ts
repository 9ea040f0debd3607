import { SeptumError } from '@septum/core'
import type { CaseRecord, InferenceSettings } from '../../inference/index.js'

/** What a worker is to do. All of it survives a structured clone. */
export interface WorkerJob {
  readonly id: string
  /** Folder of the bundle. */
  readonly bundle: string
  readonly input: string
  /** Folder for the results. */
  readonly out: string
  readonly settings: InferenceSettings
  readonly limits: { readonly decodedBytes: number; readonly work: number }
}

export type ToWorker =
  | { readonly type: 'setup'; readonly threads: number }
  | { readonly type: 'job'; readonly job: WorkerJob }
  | { readonly type: 'cancel'; readonly id: string }

/** The record of a case without what only resumable runs need. */
export type JobResult = Omit<CaseRecord, 'case' | 'key'>

export interface JobError {
  readonly code: string
  readonly message: string
  readonly hint: string
}

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'progress'; readonly id: string; readonly done: number; readonly total: number }
  | { readonly type: 'done'; readonly id: string; readonly result: JobResult; readonly residentBytes: number }
  | { readonly type: 'failed'; readonly id: string; readonly error: JobError; readonly residentBytes: number }
  | { readonly type: 'cancelled'; readonly id: string }

/** Of an error what a client may know: no path, and nothing of an error that nobody foresaw. */
export function plainError(error: unknown): JobError {
  if (error instanceof SeptumError) {
    const { code, message, hint } = error
    return { code, message, hint }
  }
  return {
    code: 'unexpected',
    message: 'The image could not be segmented, for a reason that nobody foresaw',
    hint: 'See the log of the server.',
  }
}
