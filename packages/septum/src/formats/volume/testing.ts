import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ImageGeometry, SeptumError, toAffineRas } from '@septum/core'

/** A folder for the files of a test, and how to put one there. */
export function testFolder(name: string) {
  const dir = mkdtempSync(join(tmpdir(), `septum-${name}-`))
  return {
    dir,
    put(file: string, content: Uint8Array | string): string {
      const path = join(dir, file)
      writeFileSync(path, content)
      return path
    },
    remove: () => rmSync(dir, { recursive: true }),
  }
}

/** The SeptumError of work that must fail; anything else is thrown on. */
export async function problemOf(work: Promise<unknown>): Promise<SeptumError> {
  const reason = await work.then(
    () => new Error('there was no error'),
    (error: unknown) => error,
  )
  if (reason instanceof SeptumError) return reason
  throw reason
}

/** Largest difference of a geometry's affine from the expected one, relative to its largest entry. */
export function affineError(geometry: ImageGeometry, expected: readonly number[]): number {
  const scale = Math.max(...expected.map(Math.abs))
  return Math.max(...toAffineRas(geometry).map((value, at) => Math.abs(value - expected[at]!))) / scale
}
