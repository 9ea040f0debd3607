import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { writeWhole } from '../../formats/write.js'
import type { Evaluation } from '../types.js'
import { caseCsv, comparisonCsv, summaryCsv } from './csv.js'
import { evaluationJson } from './json.js'
import { latexTables } from './latex.js'
import { markdownTables } from './markdown.js'

/**
 * Writes `results.json`, `cases.csv`, `summary.csv`, `comparisons.csv` (with several methods), `table.md` and
 * `table.tex`.
 * @returns the paths. @throws SeptumError `write-failed`.
 */
export async function writeOutputs(folder: string, evaluation: Evaluation): Promise<string[]> {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new SeptumError(
      'write-failed',
      'The output folder cannot be made',
      'Give another --out, or make its parent writable.',
      { file: folder },
      { cause },
    )
  }
  const files: [string, string][] = [
    ['results.json', evaluationJson(evaluation)],
    ['cases.csv', caseCsv(evaluation)],
    ['summary.csv', summaryCsv(evaluation)],
    ...(evaluation.comparisons.length > 0
      ? [['comparisons.csv', comparisonCsv(evaluation)] as [string, string]]
      : []),
    ['table.md', markdownTables(evaluation)],
    ['table.tex', latexTables(evaluation)],
  ]
  const paths: string[] = []
  for (const [name, content] of files) {
    const path = join(folder, name)
    await writeWhole(path, content)
    paths.push(path)
  }
  return paths
}
