import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { ErrorPlace, SeptumError } from '@septum/core'
import { type Paint, printable } from './terminal.js'

export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130, terminated: 143 } as const

/** What a person or a program gets to know of an error. */
export interface ErrorReport {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly place: ErrorPlace
}

const systemProblems: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  ENOSPC: ['The disk is full', 'Make room, then go on with --resume or run the command again.'],
  EDQUOT: ['The disk quota is used up', 'Make room, then go on with --resume or run the command again.'],
  EACCES: ['Access is denied', 'Change the permissions or choose another folder.'],
  EPERM: ['The system does not permit this', 'Change the permissions or choose another folder.'],
  EROFS: ['The file system is read-only', 'Choose another folder.'],
  ENOENT: ['There is no such file or folder', 'Check the path.'],
  ENOTDIR: ['A file stands where a folder is expected', 'Check the path.'],
  EISDIR: ['A folder stands where a file is expected', 'Check the path.'],
  EMFILE: ['Too many files are open', 'Raise the limit with ulimit -n.'],
}

// Checked by shape, not by class: the class lives behind imports that --help should not wait for.
export function isSeptumError(error: unknown): error is SeptumError {
  return error instanceof Error && error.name === 'SeptumError' && 'hint' in error && 'place' in error
}

/** @returns undefined for an error that nobody foresaw. */
export function foreseenError(error: unknown): ErrorReport | undefined {
  if (isSeptumError(error)) {
    const { code, message, hint, place } = error
    return { code, message, hint, place }
  }
  if (!(error instanceof Error)) return undefined
  const { code, path } = error as NodeJS.ErrnoException
  const known = code === undefined ? undefined : systemProblems[code]
  if (!known) return undefined
  return {
    code: `system-${code!.toLowerCase()}`,
    message: known[0],
    hint: known[1],
    place: path === undefined ? {} : { file: path },
  }
}

/** Wrong use of the command line or of the configuration ends with 2, everything else with 1. */
export function exitCodeFor(report: ErrorReport): number {
  return /^(usage|config|resume)-/.test(report.code) ? exitCodes.usage : exitCodes.failed
}

/**
 * Reports an unforeseen error in one sentence and keeps the whole trace in a file.
 * @param folder where the file is tried first, e.g. the folder of the run.
 */
export function unforeseenError(error: unknown, folder: string | undefined, header: string): ErrorReport {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const [first = 'unknown'] = text.split('\n')
  const name = `septum-error-${new Date().toISOString().replace(/[:.]/g, '-')}.txt`
  const file = writeFirst([folder, tmpdir()], name, `${header}\n${inspect(error, { depth: 4 })}\n`)
  return {
    code: 'unexpected',
    message: `Something went wrong that Septum does not foresee: ${first.replace(/\.$/, '')}`,
    hint: file
      ? `The full trace is in ${file}; please report it.`
      : 'Run the command again with --verbose and report the trace.',
    place: {},
  }
}

function writeFirst(
  folders: readonly (string | undefined)[],
  name: string,
  text: string,
): string | undefined {
  for (const folder of folders) {
    if (folder === undefined) continue
    try {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    } catch {
      // A full or read-only folder is the likely reason for being here: the next one is tried.
    }
  }
  return undefined
}

/** Two lines for a person: what happened and where, then what to do. */
export function errorText({ message, hint, place }: ErrorReport, paint: Paint): string {
  const where = [place.case && `case ${place.case}`, place.file, place.option].filter(Boolean).join(', ')
  const what = `${message}${where ? ` (${where})` : ''}.`
  return printable(`${what}\n${hint}`)
    .split('\n')
    .map((line, index) => (index ? `  ${line}` : `${paint('red', 'error:')} ${line}`))
    .join('\n')
}
