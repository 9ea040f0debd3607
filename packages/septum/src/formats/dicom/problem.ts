import { SeptumError } from '@septum/core'

/**
 * Refuses a DICOM file. Messages are made of counts, sizes, tag numbers and fixed words only: no value of a text
 * element ever enters one, so that no patient can be told from an error.
 */
export function fail(code: string, message: string, hint: string, file: string, cause?: unknown): never {
  throw new SeptumError(code, message, hint, { file }, cause === undefined ? undefined : { cause })
}

/** A file that contradicts itself or the encoding rules of DICOM PS3.5. */
export function broken(file: string, what: string, cause?: unknown): never {
  return fail(
    'dicom-broken',
    `The DICOM file is damaged or cut off: ${what}`,
    'Export it again from its source.',
    file,
    cause,
  )
}

/** What the standard allows and this reader does not do. */
export function unsupported(file: string, what: string, hint: string): never {
  return fail('dicom-unsupported', `The DICOM file uses ${what}, which is not supported`, hint, file)
}

/** (0028,0010) as the standard prints it. */
export function tagName(tag: number): string {
  const hex = (tag >>> 0).toString(16).padStart(8, '0').toUpperCase()
  return `(${hex.slice(0, 4)},${hex.slice(4)})`
}
