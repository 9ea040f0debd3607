import { existsSync } from 'node:fs'
import { appendFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorPlace } from '@septum/core'
import { writeWhole } from '../../formats/index.js'
import type { ClassStatistics } from '../statistics.js'

/** A finished case: what `statistics.json` says of it, and what tells whether it must be done again. */
export interface CaseRecord {
  readonly case: string
  /** Digest of models, settings and input. */
  readonly key: string
  /** Relative to the output folder. */
  readonly files: readonly string[]
  readonly size: readonly number[]
  readonly spacingMm?: readonly number[]
  readonly windows: number
  /** Hypotheses; 0 for methods of one mask. */
  readonly hypotheses: number
  readonly seconds: number
  readonly classes: readonly ClassStatistics[]
}

/** A case that could not be segmented. */
export interface CaseFailure {
  readonly case: string
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly place: ErrorPlace
}

const RECORDS = /^cases(-\d+-of-\d+)?\.jsonl$/

/** Part `index` (from 1) of `count` in names of files; empty for the whole. */
export const shardSuffix = (shard?: { readonly index: number; readonly count: number }): string =>
  shard ? `-${shard.index}-of-${shard.count}` : ''

/**
 * Records of earlier runs into a folder, whatever their shards; of a case the last line counts. A line that a killed
 * run left half written is passed over.
 */
export async function readRecords(out: string): Promise<Map<string, CaseRecord>> {
  const found = new Map<string, CaseRecord>()
  if (!existsSync(out)) return found
  for (const name of (await readdir(out)).filter((file) => RECORDS.test(file)).sort()) {
    for (const line of (await readFile(join(out, name), 'utf8')).split('\n')) {
      try {
        const record = JSON.parse(line) as CaseRecord
        if (typeof record.case === 'string' && Array.isArray(record.files)) found.set(record.case, record)
      } catch {
        // The last line of a run that was killed.
      }
    }
  }
  return found
}

/** Whether a case was finished with this key and all of its files are still there. */
export const isFinished = (out: string, record: CaseRecord | undefined, key: string): boolean =>
  record?.key === key && record.files.every((file) => existsSync(join(out, file)))

/** Adds a line; written after the case's files, so that a line always has its files. */
export async function appendRecord(out: string, suffix: string, record: CaseRecord): Promise<void> {
  // A line of its own even after one that was cut off: the reader passes over the empty one.
  await appendFile(join(out, `cases${suffix}.jsonl`), `\n${JSON.stringify(record)}`, { flush: true })
}

/** Writes `statistics.json` of all records in the folder, in the order of their names. */
export async function writeStatistics(out: string, classes: readonly string[]): Promise<string> {
  const records = [...(await readRecords(out)).values()].sort((a, b) => (a.case < b.case ? -1 : 1))
  const cases = records.map(({ key: _, files: _files, ...rest }) => rest)
  const summary = classes.map((name, c) => {
    const entries = records.map((record) => record.classes[c]).filter((entry) => entry !== undefined)
    const marked = entries.filter(({ samples }) => samples > 0)
    return {
      name,
      cases: entries.length,
      casesMarked: marked.length,
      meanAreaMm2: mean(marked.map(({ areaMm2 }) => areaMm2)),
      meanVolumeMm3: mean(marked.map(({ volumeMm3 }) => volumeMm3)),
      meanDiceOfSamples: mean(entries.map(({ agreement }) => agreement?.dice)),
      meanUncertainty: mean(marked.map(({ meanUncertainty }) => meanUncertainty)),
    }
  })
  const file = 'statistics.json'
  await writeWhole(join(out, file), `${JSON.stringify({ classes: summary, cases }, null, 2)}\n`)
  return file
}

function mean(values: readonly (number | null | undefined)[]): number | null {
  const known = values.filter((value) => typeof value === 'number')
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}
