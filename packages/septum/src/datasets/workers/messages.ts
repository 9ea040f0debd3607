import { type ErrorPlace, type ImageSamples, SeptumError } from '@septum/core'
import type { DecodedCase, DecodeSettings, DecodingDataset } from '../case.js'
import type { SegmentationCase } from '../dataset.js'

/** What a thread is started with. */
export interface WorkerSetup {
  readonly dataset: DecodingDataset
  /** Cases under way at a time. */
  readonly atOnce: number
}

export interface WorkerJob {
  readonly id: number
  readonly entry: SegmentationCase
  readonly settings: DecodeSettings
}

/** An error without its class, which does not survive the way between threads. */
export interface PlainError {
  readonly septum: boolean
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly place: ErrorPlace
}

export type WorkerReply =
  | { readonly id: number; readonly decoded: DecodedCase }
  | { readonly id: number; readonly error: PlainError }

/** The same samples in memory that threads share: posting them copies nothing. */
export function shared<S extends ImageSamples>(samples: S): S {
  if (samples.buffer instanceof SharedArrayBuffer) return samples
  const Samples = samples.constructor as new (buffer: SharedArrayBuffer) => S
  const copy = new Samples(new SharedArrayBuffer(samples.byteLength))
  copy.set(samples)
  return copy
}

export function plainError(error: unknown): PlainError {
  if (error instanceof SeptumError) {
    const { code, message, hint, place } = error
    return { septum: true, code, message, hint, place }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { septum: false, code: '', message, hint: '', place: {} }
}

export function revivedError({ septum, code, message, hint, place }: PlainError): Error {
  return septum ? new SeptumError(code, message, hint, place) : new Error(message)
}
