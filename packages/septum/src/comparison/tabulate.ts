import { quantile } from '@septum/core'
import type { FolderDataset } from '../datasets/index.js'
import type { Evaluation } from '../evaluation/types.js'
import { groupBy } from './group-by.js'
import type { Plan, PlannedMethod } from './plan.js'
import { combineRuns, comparedRun, type ScoredRun, sharedMetrics, statisticsOf } from './summarise.js'
import type { ComparedMethod, ComparedRun, Comparison, Protocol, RunFailure } from './types.js'

export interface TabulateInput {
  readonly plan: Pick<Plan, 'methods' | 'runs'>
  readonly scored: readonly ScoredRun[]
  readonly failures: readonly RunFailure[]
  readonly protocol: Protocol
  readonly dataset: Pick<FolderDataset, 'name' | 'description'>
  readonly seed: number
}

/** The result of the runs that have finished. */
export function tabulate({ plan, scored, failures, protocol, dataset, seed }: TabulateInput): Comparison {
  const metrics = sharedMetrics(scored)
  const runs = scored.map((one) => comparedRun(one, metrics))
  const methods = plan.methods.map((method) => comparedMethod(method, plan, runs, metrics))
  const shown = methods.filter(({ finished }) => finished > 0).map(({ name }) => name)
  const title = `${shown.join(', ') || 'no method'} on ${protocol.dataset}`
  const evaluation =
    scored.length === 0
      ? null
      : combineRuns(scored, {
          title,
          dataset: cardOf(dataset),
          methods: shown,
          metrics,
          seed,
          notes: evaluationNotes(scored),
        })
  const notes = [...notesOf(methods, protocol, scored), ...unscoredNotes(evaluation)]
  return { title, protocol, metrics, methods, runs, failures, evaluation, notes }
}

function comparedMethod(
  planned: PlannedMethod,
  plan: TabulateInput['plan'],
  runs: readonly ComparedRun[],
  metrics: Comparison['metrics'],
): ComparedMethod {
  const own = runs.filter(({ entry }) => entry === planned.name)
  const rates = own.map(({ speed }) => speed.framesPerSecond).sort((a, b) => a - b)
  return {
    ...planned,
    framesPerSecond: rates.length === 0 ? Number.NaN : quantile(rates, 0.5),
    samples: own[0]?.speed.samples ?? 1,
    trainingSeconds: own.reduce((sum, run) => sum + run.trainingSeconds, 0) / own.length,
    finished: own.length,
    planned: plan.runs.filter(({ entry }) => entry === planned.name).length,
    statistics: own.length === 0 ? [] : statisticsOf(own, metrics),
  }
}

function cardOf({ name, description }: TabulateInput['dataset']): Evaluation['dataset'] {
  const { licence, source, citation = [] } = description
  return { name, licence, source, citation: typeof citation === 'string' ? [citation] : citation }
}

/** Sentences that a reader needs to judge the numbers. */
function notesOf(
  methods: readonly ComparedMethod[],
  protocol: Protocol,
  scored: readonly ScoredRun[],
): string[] {
  const { folds, seeds, budget, resize } = protocol
  const runs =
    folds === null
      ? `${seeds.length} seed${seeds.length === 1 ? '' : 's'}`
      : `${folds} folds x ${seeds.length} seed${seeds.length === 1 ? '' : 's'}`
  const missing = methods.filter(({ finished, planned }) => finished < planned)
  const sizes = new Set(methods.map(({ imageSize }) => imageSize.join(' x ')))
  const speeds = new Set(
    scored.map(
      ({ scores }) =>
        `${scores.speed.device}, ${scores.speed.threads} thread${scores.speed.threads === 1 ? '' : 's'}`,
    ),
  )
  return [
    `Values are means over ${runs} of the mean over the test cases; ± is the standard deviation between these runs${scored.length === methods.length ? ' (there is one run of each method, so there is none)' : ''}.`,
    `Every method: same patients in training, validation and test (${protocol.scheme}), ${budget.kind === 'steps' ? `${budget.steps} optimiser steps` : `${budget.epochs} epochs`} unless its settings say otherwise, the weights of its best validation; recipes are in the table of settings.`,
    sizes.size === 1
      ? `Networks see ${[...sizes][0]} pixels (${resize === 'stretch' ? 'stretched' : 'cut or padded at the centre'}); scores are at the images' own size.`
      : `Networks see images of different sizes: ${[...sizes].join('; ')}.`,
    'Multiply-adds are those of convolutions and linear layers for one mask of one image. Frames a second are images one after the other (batch 1) with the network and the fusion of its masks, on ' +
      `${[...speeds].join('; ') || 'this machine'}. Training time includes validation.`,
    ...missing.map(
      ({ name, finished, planned }) =>
        `${name}: ${finished} of ${planned} runs have finished; its values rest on these.`,
    ),
  ]
}

function unscoredNotes(evaluation: Evaluation | null): string[] {
  const problems = groupBy(evaluation?.problems ?? [], ({ method }) => method)
  return [...problems].map(
    ([method, { length, 0: first }]) =>
      `${method}: ${length} case${length === 1 ? '' : 's'} could not be scored and ${length === 1 ? 'is' : 'are'} left out of its means (${first!.case}: ${first!.message.replace(/\.$/, '')}).`,
  )
}

function evaluationNotes(scored: readonly ScoredRun[]): string[] {
  const seeds = new Set(scored.map(({ run }) => run.seed)).size
  return [
    ...(seeds > 1
      ? [`The score of a case is its mean over ${seeds} seeds; tests and rankings pair cases.`]
      : ['There is one seed: tests compare these trained networks, not the methods.']),
    ...new Set(
      scored.flatMap(({ scores }) => scores.notes.filter((note) => !note.startsWith('The network sees'))),
    ),
  ]
}
