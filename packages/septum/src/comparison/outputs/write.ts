import { join } from 'node:path'
import { caseCsv, comparisonCsv } from '../../evaluation/outputs/csv.js'
import { jsonValue } from '../../evaluation/outputs/json.js'
import { writeWhole } from '../../formats/write.js'
import { publishedCosts, publishedFor } from '../published/index.js'
import type { Comparison } from '../types.js'
import { runsCsv, summaryCsv } from './csv.js'
import { comparisonLatex } from './latex.js'
import { comparisonMarkdown } from './markdown.js'

/** The whole comparison as JSON, with the published numbers of its data set. */
export function comparisonJson(comparison: Comparison): string {
  const table = publishedFor(comparison.protocol.dataset)
  const published = { scores: table ? { ...table, datasets: undefined } : null, costs: publishedCosts }
  return `${JSON.stringify({ format: 'septum-comparison', version: 1, ...comparison, published }, jsonValue, 1)}\n`
}

/** What the command line says as its result: without the scores of each case, which are in `results.json`. */
export function plainComparison({ evaluation, ...rest }: Comparison): object {
  const tests = evaluation && { comparisons: evaluation.comparisons, rankings: evaluation.rankings }
  return JSON.parse(JSON.stringify({ ...rest, ...tests }, jsonValue)) as object
}

/**
 * Writes `results.json`, `summary.csv`, `runs.csv`, `cases.csv`, `comparisons.csv`, `table.md` and `table.tex`.
 * @returns the paths. @throws SeptumError `write-failed`.
 */
export async function writeComparison(folder: string, comparison: Comparison): Promise<string[]> {
  const { evaluation } = comparison
  const files: [string, string][] = [
    ['results.json', comparisonJson(comparison)],
    ['summary.csv', summaryCsv(comparison)],
    ['runs.csv', runsCsv(comparison)],
    ...(evaluation === null ? [] : [['cases.csv', caseCsv(evaluation)] as [string, string]]),
    ...(evaluation === null || evaluation.comparisons.length === 0
      ? []
      : [['comparisons.csv', comparisonCsv(evaluation)] as [string, string]]),
    ['table.md', comparisonMarkdown(comparison)],
    ['table.tex', comparisonLatex(comparison)],
  ]
  for (const [name, content] of files) await writeWhole(join(folder, name), content)
  return files.map(([name]) => join(folder, name))
}
