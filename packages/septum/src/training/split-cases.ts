import type { SplitCases, SplitCasesRequest } from './api.js'
import { openSplit } from './open-run.js'
import { readRun } from './run-folder.js'

/** The cases of a part of a data set for a run, without loading its weights; see `TrainingApi`. */
export async function splitCases({ run, ...request }: SplitCasesRequest): Promise<SplitCases> {
  const opened = readRun(run)
  const { data } = opened.config
  const { dataset, chosen } = await openSplit(opened, { ...request, check: 'quick' })
  const own = request.dataset === undefined ? (data.description ?? undefined) : undefined
  const description = request.description ?? own
  return {
    dataset: dataset.dir,
    ...(description === undefined ? {} : { description }),
    cases: chosen.map(({ name }) => name),
  }
}
