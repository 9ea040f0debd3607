import { SeptumError } from '@septum/core'

/** Makes the error of one file: code, what happened, what to do. */
export type Fail = (code: string, message: string, hint: string) => SeptumError

/** @param file the path that a person gave. @returns a maker of errors that name it. */
export function failIn(file: string): Fail {
  return (code, message, hint) => new SeptumError(code, message, hint, { file })
}

export const HINT_DAMAGED = 'Download or copy the file again: it is damaged or was cut short'

/**
 * A name out of an untrusted file, fit for a terminal: quoted, control characters escaped, at most 80
 * characters.
 */
export function quote(name: string): string {
  const short = name.length > 80 ? `${name.slice(0, 77)}...` : name
  const hex = (character: string) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, '0')}`
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, hex)
}
