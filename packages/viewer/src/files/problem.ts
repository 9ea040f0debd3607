import { SeptumError } from '@septum/core'

/** What a person reads when something went wrong: a sentence, and what to do. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly hint: string
}

/** Turns anything thrown into sentences; only a defect of the viewer itself shows a foreign message. */
export function problemOf(error: unknown): Problem {
  if (error instanceof SeptumError) {
    // Where the page knows better than the library why a file of a bundle is absent.
    if (error.code === 'bundle-missing' && error.cause instanceof SeptumError) return problemOf(error.cause)
    const { file } = error.place
    return {
      code: error.code,
      message: file ? `${error.message} (${file})` : error.message,
      hint: error.hint,
    }
  }
  const text = error instanceof Error ? error.message : String(error)
  return {
    code: 'unexpected',
    message: `Something went wrong in the viewer: ${text}`,
    hint: 'Reload the page; if it happens again, please report it.',
  }
}

/** The error behind a problem that crossed from the worker. */
export function errorOf({ code, message, hint }: Problem): SeptumError {
  return new SeptumError(code, message, hint)
}
