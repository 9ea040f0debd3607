import { SeptumError } from '@septum/core'
import { unreadable } from '../problem.js'

/** A file whose content contradicts itself or its format. @param what a clause: `its header ends too early`. */
export function broken(file: string, what: string, cause?: unknown): SeptumError {
  return new SeptumError(
    'volume-broken',
    `The volume is damaged or cut off: ${what}`,
    'Copy it again from its source, or write it again with the program that made it.',
    { file },
    cause === undefined ? undefined : { cause },
  )
}

/** A valid file of a kind that is not read. @param what a sentence. */
export function unsupported(file: string, what: string, hint: string): SeptumError {
  return new SeptumError('volume-unsupported', what, hint, { file })
}

/**
 * Runs a step and gives every problem of it the file: a SeptumError of a geometry becomes `volume-geometry`, what
 * the file system says becomes `picture-missing` or `picture-forbidden`, anything else `volume-broken`.
 */
export async function inFile<T>(file: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (cause) {
    throw volumeProblem(file, cause)
  }
}

function volumeProblem(file: string, cause: unknown): SeptumError {
  if (cause instanceof SeptumError) {
    if (cause.place.file !== undefined) return cause
    const geometry = cause.code === 'image-geometry' || cause.code === 'image-spacing'
    return new SeptumError(
      geometry ? 'volume-geometry' : cause.code,
      cause.message,
      geometry ? 'Repair its orientation and spacing with the program that wrote it.' : cause.hint,
      { ...cause.place, file },
      { cause },
    )
  }
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'EISDIR' || code === 'EACCES' || code === 'EPERM') {
    return unreadable(file, cause)
  }
  return broken(file, cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause), cause)
}
