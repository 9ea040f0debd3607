import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { type Reporter, SeptumError } from '@septum/core'
import { type FolderDataset, openFolderDataset } from '../datasets/index.js'
import { prepareDevice } from '../training/workplace.js'
import { type Division, divide } from './divisions.js'
import { onceReporter } from './once-reporter.js'
import { failureOf, type Plan, planRuns, seedsOf } from './plan.js'
import { carryOut, type RunState, scoresFile, stateOf } from './run.js'
import { readScores } from './stored-scores.js'
import type { ScoredRun } from './summarise.js'
import { tabulate } from './tabulate.js'
import { TimeLeft } from './time-left.js'
import type { CompareRequest, Comparison, PlannedRun, Protocol, RunFailure } from './types.js'

export interface ComparisonOutcome {
  readonly comparison: Comparison
  readonly dataset: FolderDataset
  /** Finished runs, for pictures of their cases. */
  readonly scored: readonly ScoredRun[]
  readonly interrupted: boolean
}

/** What no later run can be spared: a full disk stops them all. */
const fatal = new Set(['checkpoint-write', 'run-folder', 'write-failed'])

/**
 * Trains and scores all methods under one protocol: same splits, same input size, same budget of steps. Runs that
 * are finished are kept, one that was interrupted goes on from its checkpoint; a run that fails does not stop the
 * others. All of it happens in this process: runs follow one another, each frees its tensors, and a step is a
 * function of weights, seed and number, so that no run sees what came before it.
 * @throws SeptumError `compare-small`, `compare-test`, `compare-changed`, `compare-data`, `data-size`; the reason of
 * the first failure where no run has finished
 */
export async function compareMethods(request: CompareRequest): Promise<ComparisonOutcome> {
  const reporter = onceReporter(request.reporter)
  const { signal, entries, out } = request
  const [first] = entries as [CompareRequest['entries'][number]]
  const { data } = first.config
  const other = entries.find(
    ({ config }) => config.data.path !== data.path || config.data.resize !== data.resize,
  )
  if (other) {
    throw new SeptumError(
      'compare-data',
      `${first.name} and ${other.name} would see different data (data.path or data.resize)`,
      'Set the data for all methods; only data.imageSize may be that of a method.',
    )
  }
  prepareDevice(first.config.device, first.config.threads, reporter)
  makeFolder(out)
  const dataset = await openFolderDataset(data.path, { reporter, description: data.description ?? undefined })
  const { folds, firstSeed: seed } = request
  const divisions = await divide(dataset, { folds, seed, splits: data.splits, out, reporter })
  const plan = await planRuns(dataset, divisions, request, reporter)
  const states = new Map(plan.runs.map((run) => [run, stateOf(run, request)]))
  const scored: ScoredRun[] = []
  const failures: RunFailure[] = [...plan.failures]
  const timeLeft = new TimeLeft(plan.runs)
  for (const run of plan.runs) {
    if (states.get(run) !== 'scored') continue
    const scores = readScores(scoresFile(run.folder))!
    scored.push({ run, scores })
    timeLeft.done(run, null)
  }
  if (scored.length > 0)
    reporter.info(`${scored.length} of ${plan.runs.length} runs are finished already and stay as they are.`)
  let interrupted = false
  const progress = reporter.progress('Comparison', plan.runs.length, 'runs')
  let done = scored.length
  progress.update(done)
  let firstError: unknown
  for (const [index, run] of plan.runs.entries()) {
    const state = states.get(run)!
    if (state === 'scored') continue
    if (signal.aborted) {
      interrupted = true
      break
    }
    const start = performance.now()
    request.reporter.info(announcement(run, state, index, plan, timeLeft))
    try {
      const scores = await carryOut(run, state, request, reporter)
      if (scores === null) {
        interrupted = true
        break
      }
      scored.push({ run, scores })
    } catch (error) {
      if (signal.aborted) {
        interrupted = true
        break
      }
      if (error instanceof SeptumError && fatal.has(error.code)) throw error
      firstError ??= error
      failures.push(noted(error, run, request.reporter))
    }
    timeLeft.done(run, (performance.now() - start) / 1000)
    progress.update(++done)
  }
  progress.finish()
  if (scored.length === 0 && !interrupted)
    throw firstError ?? new SeptumError('compare-none', 'No run has finished', 'See the warnings above.')
  const order = new Map(plan.runs.map((run, i) => [run, i]))
  scored.sort((a, b) => order.get(a.run)! - order.get(b.run)!)
  const protocol = protocolOf(dataset, divisions, request)
  return {
    comparison: tabulate({ plan, scored, failures, protocol, dataset, seed }),
    dataset,
    scored,
    interrupted,
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new SeptumError(
      'write-failed',
      'The folder of the comparison cannot be made',
      'Give another --out, or make its parent writable.',
      { file: folder },
      { cause },
    )
  }
}

function announcement(
  run: PlannedRun,
  state: RunState,
  index: number,
  plan: Plan,
  timeLeft: TimeLeft,
): string {
  const what = { new: '', begun: ', going on', trained: ', only to be scored', scored: '' }[state]
  const fold = run.fold === null ? '' : `, fold ${run.fold}`
  const left = timeLeft.text()
  return `Run ${index + 1} of ${plan.runs.length}: ${run.entry}${fold}, seed ${run.seed}${what}${left ? ` (about ${left} left for all)` : ''}.`
}

/** Says what went wrong with a run, and keeps the trace of what nobody foresaw beside it. */
function noted(error: unknown, run: PlannedRun, reporter: Reporter): RunFailure {
  const failure = failureOf(error, run.entry, run.name)
  let trace = ''
  if (!(error instanceof SeptumError)) {
    const file = join(run.folder, 'error.txt')
    try {
      mkdirSync(run.folder, { recursive: true })
      writeFileSync(file, `${inspect(error, { depth: 4 })}\n`)
      trace = ` The trace is in ${file}.`
    } catch {
      // The failure itself is told all the same.
    }
  }
  reporter.warn(`${run.entry}, ${run.name} failed: ${failure.message}${trace} The other runs go on.`)
  return { ...failure, message: `${failure.message}${trace}` }
}

function protocolOf(
  dataset: FolderDataset,
  divisions: readonly Division[],
  request: CompareRequest,
): Protocol {
  const [first] = divisions as [Division]
  return {
    dataset: dataset.name,
    cases: dataset.cases.length,
    patients: new Set(dataset.cases.map(({ patient }) => patient)).size,
    folds: request.folds,
    seeds: seedsOf(request),
    scheme:
      request.folds === null
        ? first.splits.scheme
        : `dealt to ${request.folds} folds with seed ${request.firstSeed}, each tested once; 15 % of the other patients validate`,
    splitHashes: divisions.map(({ hash }) => hash),
    budget: request.budget,
    resize: request.entries[0]!.config.data.resize,
  }
}
