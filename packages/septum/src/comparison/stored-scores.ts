import { existsSync, readFileSync } from 'node:fs'
import type { CurveName, Curves, MetricOptions } from '@septum/core'
import { jsonValue } from '../evaluation/outputs/json.js'
import type { ScoredClass } from '../evaluation/score.js'
import type { CaseProblem } from '../evaluation/types.js'
import { writeWhole } from '../formats/write.js'
import type { Speed } from './types.js'

/** What `scores.json` of a run holds: everything that the comparison needs of it. */
export interface RunScores {
  readonly metrics: readonly string[]
  readonly metricOptions: MetricOptions
  readonly classes: readonly string[]
  readonly samples: number
  readonly raters: number
  readonly splitHash: string
  readonly trainingSeconds: number
  readonly speed: Speed
  readonly scores: readonly ScoredClass[]
  readonly problems: readonly CaseProblem[]
  readonly notes: readonly string[]
}

const format = 'septum-run-scores'

/** Writes the scores of a run; curves as 256 base64 float32 values each. @throws SeptumError `write-failed`. */
export async function writeScores(file: string, scores: RunScores): Promise<void> {
  const packed = { format, version: 1, ...scores, scores: scores.scores.map(packCurves) }
  await writeWhole(file, `${JSON.stringify(packed, jsonValue)}\n`)
}

/** @returns undefined where there are none, or none that this version can read: the run is scored again then. */
export function readScores(file: string): RunScores | undefined {
  if (!existsSync(file)) return undefined
  let content: RunScores & { format: string; version: number; scores: readonly Packed[] }
  try {
    content = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
  if (content.format !== format || content.version !== 1) return undefined
  return { ...content, scores: content.scores.map(unpacked) }
}

type Packed = Omit<ScoredClass, 'curves'> & { readonly curves?: Readonly<Record<string, string>> }

function packCurves({ curves, ...score }: ScoredClass): Packed {
  if (!curves) return score
  const packed = Object.entries(curves).map(([name, values]) => [
    name,
    Buffer.from(Float32Array.from(values).buffer).toString('base64'),
  ])
  return { ...score, curves: Object.fromEntries(packed) as Record<string, string> }
}

function unpacked({ curves, values, ...score }: Packed): ScoredClass {
  const numbers = Object.fromEntries(Object.entries(values).map(([id, value]) => [id, numberOf(value)]))
  if (!curves) return { ...score, values: numbers }
  const read = Object.entries(curves).map(([name, text]): [CurveName, Float64Array] => {
    const bytes = Buffer.from(text, 'base64')
    const aligned = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    return [name as CurveName, Float64Array.from(new Float32Array(aligned))]
  })
  return { ...score, values: numbers, curves: Object.fromEntries(read) as Curves }
}

const special: Readonly<Record<string, number>> = { inf: Infinity, '-inf': -Infinity }

/** JSON has no NaN and no infinity. */
const numberOf = (value: unknown): number =>
  typeof value === 'number' ? value : (special[String(value)] ?? Number.NaN)
