import { dirname, resolve } from 'node:path'
import { type Reporter, SeptumError, silentReporter } from '@septum/core'
import { readCaseMasks } from './case-masks.js'
import { membersOf } from './check/case-statistics.js'
import { readColumns } from './csv.js'
import type { FolderDataset, SegmentationCase } from './dataset.js'

/**
 * Cases with the stratum that a division shall share out.
 * @param by `labels`: the classes that some rater marked (all masks are decoded); `stratum`: what the data set
 * says; `TABLE.csv:CASE:COLUMN`: a column of a table; anything else: the first group of a pattern on the case name.
 * @throws SeptumError `stratum-unknown` for a case without one, and as `readSource`.
 */
export async function stratifiedCases(
  dataset: FolderDataset,
  by: string,
  { reporter = silentReporter, signal }: { readonly reporter?: Reporter; readonly signal?: AbortSignal } = {},
): Promise<SegmentationCase[]> {
  const { cases } = dataset
  if (by === 'labels') {
    const progress = reporter.progress('Reading masks', cases.length, 'cases')
    const out: SegmentationCase[] = []
    for (const [index, entry] of cases.entries()) {
      signal?.throwIfAborted()
      out.push({ ...entry, stratum: await labelStratum(dataset, entry) })
      progress.update(index + 1)
    }
    progress.finish()
    return out
  }
  if (by === 'stratum') return cases.map((entry) => ({ ...entry, stratum: known(entry, entry.stratum, by) }))
  const [, table, key, column] = /^(.+\.csv):([^:]+):([^:]+)$/i.exec(by) ?? []
  if (table !== undefined && key !== undefined && column !== undefined) {
    const values = await readColumns(resolve(dirname('.'), table), key, column)
    return cases.map((entry) => ({ ...entry, stratum: known(entry, values.get(entry.name), by) }))
  }
  let pattern: RegExp
  try {
    pattern = new RegExp(by)
  } catch {
    throw new SeptumError(
      'stratum-unknown',
      `${by} is neither labels, stratum, a table nor a pattern`,
      'Write labels, stratum, TABLE.csv:CASE:COLUMN or a regular expression.',
      { option: 'stratify' },
    )
  }
  return cases.map((entry) => {
    const match = pattern.exec(entry.name)
    return { ...entry, stratum: known(entry, match?.[1] ?? match?.[0], by) }
  })
}

function known({ name }: SegmentationCase, stratum: string | undefined, by: string): string {
  if (stratum) return stratum
  throw new SeptumError(
    'stratum-unknown',
    `Nothing says which stratum the case belongs to (${by})`,
    'Correct --stratify, or complete the table.',
    { case: name },
  )
}

async function labelStratum(dataset: FolderDataset, entry: SegmentationCase): Promise<string> {
  if (entry.masks.length === 0) return 'unlabelled'
  const present = new Set(await readCaseMasks(dataset, entry))
  const marked = dataset.classes.filter((_, index) =>
    [...membersOf(dataset, index)].some((label) => present.has(label)),
  )
  return marked.join('+') || 'nothing'
}
