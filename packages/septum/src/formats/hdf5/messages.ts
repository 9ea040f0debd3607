import { type ErrorPlace, SeptumError } from '@septum/core'
import type { ReadLimits } from '../format.js'
import type { Hdf5Results, Hdf5Task } from './task.js'

/** A file and what is asked of it; the bytes change hands. */
export interface Hdf5Job {
  readonly id: number
  readonly bytes: Uint8Array
  readonly file: string
  readonly limits: ReadLimits
  readonly task: Hdf5Task
}

/** Numbers that both threads see at once: [job that is finished, megabytes of the array that is read]. */
export const FINISHED = 0
export const EXPECTED_MB = 1

/** What a thread is started with: the numbers above. */
export type Hdf5Board = Int32Array<SharedArrayBuffer>

interface PlainError {
  readonly code: string | undefined
  readonly message: string
  readonly hint: string
  readonly place: ErrorPlace
}

export type Hdf5Reply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'result'; readonly id: number; readonly result: Hdf5Results[Hdf5Task['kind']] }
  /** `worn`: the library can no longer be relied on. */
  | { readonly kind: 'error'; readonly id: number; readonly error: PlainError; readonly worn: boolean }

/** An error without its class, which does not survive the way between threads. */
export function plainError(error: unknown): PlainError {
  if (error instanceof SeptumError) {
    const { code, message, hint, place } = error
    return { code, message, hint, place }
  }
  return {
    code: undefined,
    message: error instanceof Error ? error.message : String(error),
    hint: '',
    place: {},
  }
}

export function revivedError({ code, message, hint, place }: PlainError): Error {
  return code === undefined ? new Error(message) : new SeptumError(code, message, hint, place)
}
