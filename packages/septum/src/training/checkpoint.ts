import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SeptumError } from '@septum/core'
import { loadTensors, readMetadata, saveTensors, type Tensor } from '@septum/torch'

/** Where a training run stands: the next step to do is `step` of phase `phase`. */
export interface Progress {
  /** Step counts and the like of optimiser and averages. */
  readonly numbers: Readonly<Record<string, number>>
  readonly method: string
  readonly phase: number
  readonly step: number
  /** Best validation score of the phase so far; null before the first validation. */
  readonly bestScore: number | null
  /** Seconds trained so far, for reports. */
  readonly seconds: number
  /** Digest of everything in the configuration that decides the result. */
  readonly fingerprint: string
}

export interface Checkpoint {
  readonly progress: Progress
  /** `model.*`, `optimizer.*`, `ema.*`. */
  readonly tensors: Map<string, Tensor>
}

export const lastCheckpoint = (runDir: string): string => join(runDir, 'checkpoints', 'last.safetensors')
export const bestCheckpoint = (runDir: string, phase: string): string =>
  join(runDir, 'checkpoints', `best-${phase}.safetensors`)

function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/**
 * Writes a checkpoint so that a kill or a full disk at any moment leaves the old file or the new one, whole:
 * written under another name, synced, checked, renamed.
 * @throws SeptumError `checkpoint-write` with the reason; the old file is untouched.
 */
export function writeCheckpoint(file: string, { progress, tensors }: Checkpoint): void {
  const fresh = `${file}.new`
  try {
    saveTensors(fresh, tensors, { septum: JSON.stringify(progress) })
    // Reading the header checks every length and offset against the file's size.
    readProgress(fresh)
    renameSync(fresh, file)
    syncPath(dirname(file))
  } catch (cause) {
    try {
      rmSync(fresh, { force: true })
    } catch {
      // The folder may be read-only by now; the first error says more.
    }
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new SeptumError(
      'checkpoint-write',
      `The checkpoint could not be saved: ${reason}`,
      'Free space or make the folder writable, then continue with --resume; the last whole checkpoint is still there.',
      { file },
      { cause },
    )
  }
}

/** Removes what a killed process left half-written in a folder. */
export function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.new') || name.endsWith('.tmp')) rmSync(join(folder, name), { force: true })
  }
}

function parseProgress(file: string, metadata: Readonly<Record<string, string>>): Progress {
  try {
    const progress = JSON.parse(metadata.septum ?? '') as Progress
    if (
      typeof progress.method === 'string' &&
      Number.isInteger(progress.phase) &&
      Number.isInteger(progress.step)
    )
      return progress
  } catch {
    // Falls through to the sentence below.
  }
  throw new SeptumError(
    'checkpoint-foreign',
    'This file is not a Septum checkpoint',
    'Give the folder of a run that `septum train` made.',
    { file },
  )
}

function readProgress(file: string): Progress {
  return parseProgress(file, readMetadata(file))
}

/** @throws SeptumError when the file is damaged, or belongs to another method. */
export function readCheckpoint(file: string, method: string, device = 'cpu'): Checkpoint {
  if (!existsSync(file)) {
    throw new SeptumError(
      'checkpoint-missing',
      'There is no checkpoint',
      'Train first, or give the folder of a trained run.',
      { file },
    )
  }
  const { tensors, metadata } = loadTensors(file, { device })
  const progress = parseProgress(file, metadata)
  if (progress.method !== method) {
    throw new SeptumError(
      'checkpoint-method',
      `This checkpoint is of the method '${progress.method}', not '${method}'`,
      `Use --method ${progress.method}, or another --out folder.`,
      { file },
    )
  }
  return { progress, tensors }
}

/** Tensors whose names begin with `prefix.`, without it. */
export function withPrefix(tensors: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> {
  const out = new Map<string, Tensor>()
  for (const [name, t] of tensors)
    if (name.startsWith(`${prefix}.`)) out.set(name.slice(prefix.length + 1), t)
  return out
}

export function addPrefix(tensors: ReadonlyMap<string, Tensor>, prefix: string): Map<string, Tensor> {
  return new Map(Array.from(tensors, ([name, t]) => [`${prefix}.${name}`, t]))
}

/** Digest of plain data; key order does not matter. */
export function fingerprint(value: unknown): string {
  const sorted = (v: unknown): unknown => {
    if (Array.isArray(v)) return v.map(sorted)
    if (v === null || typeof v !== 'object') return v
    return Object.fromEntries(
      Object.entries(v)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, item]) => [k, sorted(item)]),
    )
  }
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex')
    .slice(0, 16)
}
