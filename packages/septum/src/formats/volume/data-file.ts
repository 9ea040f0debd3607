import { dirname, isAbsolute, join, normalize } from 'node:path'
import { SeptumError } from '@septum/core'
import { broken } from './problem.js'

/** More files than any volume has slices. */
const MOST_FILES = 100_000

/**
 * The file that a header names for its samples. A header must not reach out of its own folder: a foreign file
 * could otherwise have any other read in its name.
 * @throws SeptumError `volume-data-file`.
 */
export function besideHeader(header: string, name: string): string {
  const clean = normalize(name.replaceAll('\\', '/'))
  if (
    clean === '' ||
    clean === '.' ||
    isAbsolute(clean) ||
    clean.split('/')[0] === '..' ||
    clean.includes('\0')
  ) {
    throw new SeptumError(
      'volume-data-file',
      'The header names a file of samples outside its own folder',
      'Put both into one folder and write the bare file name into the header.',
      { file: header },
    )
  }
  return join(dirname(header), clean)
}

/**
 * The names that a C format such as `slice%03d.raw` makes of the numbers first, first + step, ... to last.
 * @throws SeptumError `volume-broken` for another pattern or numbers that do not end.
 */
export function numberedNames(pattern: string, numbers: readonly number[], header: string): string[] {
  const [first, last, step = 1] = numbers as [number, number, number?]
  const match = /^([^%]*)%(0?)(\d{0,2})d([^%]*)$/.exec(pattern)
  const count = Math.floor((last - first) / step) + 1
  if (!match || ![first, last, step].every(Number.isSafeInteger) || !(count >= 1 && count <= MOST_FILES)) {
    throw broken(header, 'its pattern of file names cannot be followed')
  }
  const [, before, zero, width, after] = match
  return Array.from({ length: count }, (_, i) => {
    const digits = String(first + i * step).padStart(Number(width || 0), zero ? '0' : ' ')
    return `${before}${digits}${after}`
  })
}
