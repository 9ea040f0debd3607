import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeptumError } from '@septum/core'
import { afterAll } from 'vitest'

const FOLDER = mkdtempSync(join(tmpdir(), 'septum-io-'))
let count = 0

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }))

/** Path of a file that `fixtures/make_fixtures.py` has made. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))
}

/** What the same script says is in a fixture. */
export function expectedOf<T>(name: string): T {
  return JSON.parse(readFileSync(fixture(name), 'utf8')) as T
}

/** A path in a folder of this test run that does not exist yet. */
export function freshPath(extension: string): string {
  return join(FOLDER, `${count++}.${extension}`)
}

/** Writes bytes to a fresh file. @returns its path. */
export function fileOf(bytes: Uint8Array, extension = 'bin'): string {
  const path = freshPath(extension)
  writeFileSync(path, bytes)
  return path
}

/** The SeptumError that `run` throws; fails the test when it throws another or none. */
export function errorOf(run: () => unknown): SeptumError {
  try {
    run()
  } catch (error) {
    if (error instanceof SeptumError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** How the fixtures write the bytes of a tensor. */
export function digest(bytes: Uint8Array): string {
  if (bytes.length <= 256) return Buffer.from(bytes).toString('hex')
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}
