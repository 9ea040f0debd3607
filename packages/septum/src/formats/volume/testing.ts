import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ImageGeometry, type Random, SeptumError, toAffineRas } from '@septum/core'
import { expect } from 'vitest'

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

const SECONDS = 2
const MEGABYTES = 256

/**
 * Does what may be asked of a bad file: a typed error that names the file, or whatever comes, in 2 s of processor time
 * (machines that run tests are shared) and 256 MB.
 * @returns the error's code, or `done`.
 */
export async function bounded(work: () => Promise<unknown>): Promise<string> {
  const before = process.resourceUsage().maxRSS
  const start = process.cpuUsage()
  const outcome = await work().then(
    () => 'done',
    (error: unknown) => {
      if (!(error instanceof SeptumError)) throw error
      expect(error.place.file, error.code).toBeDefined()
      expect(error.hint).toMatch(/\S/)
      return error.code
    },
  )
  const { user, system } = process.cpuUsage(start)
  expect((user + system) / 1e6).toBeLessThan(SECONDS)
  expect((process.resourceUsage().maxRSS - before) / 1024).toBeLessThan(MEGABYTES)
  return outcome
}

/** A copy with up to `most` bytes changed and sometimes a piece left out or doubled, most often near its beginning. */
export function mutated(whole: Uint8Array, random: Random, most = 8): Buffer {
  const bytes = Buffer.from(whole)
  const head = Math.min(bytes.length, 400)
  for (let change = random.int(most); change >= 0; change--) {
    const at = random.int(random.uniform() < 0.6 ? head : bytes.length)
    const kind = random.int(4)
    bytes[at] =
      kind === 0 ? 0 : kind === 1 ? 255 : kind === 2 ? bytes[at]! ^ (1 << random.int(8)) : random.int(256)
  }
  if (random.uniform() > 0.2) return bytes
  const [from, to] = [random.int(bytes.length), random.int(bytes.length)]
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)])
}

/** The first k of 64 parts of a file, for k from 0 to 63. */
export const truncations = (whole: Uint8Array): Uint8Array[] =>
  Array.from({ length: 64 }, (_, k) => whole.subarray(0, Math.floor((whole.length * k) / 64)))
