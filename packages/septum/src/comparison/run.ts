import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  defaultMetricOptions,
  type MetricEntry,
  type MetricOptions,
  type Reporter,
  SeptumError,
} from '@septum/core'
import { parse } from 'yaml'
import { chooseMetrics, forDimensions } from '../evaluation/choose.js'
import { scoreInMemory } from '../evaluation/in-memory.js'
import type { ScoredCase } from '../evaluation/score.js'
import { writeMask } from '../formats/write.js'
import { methodByName } from '../methods/index.js'
import { type PredictedCase, type RunConfig, runConfigSchema } from '../training/api.js'
import { evaluateRun } from '../training/evaluate.js'
import { openRun } from '../training/open-run.js'
import { readSummary } from '../training/run-folder.js'
import { train } from '../training/train.js'
import { requireSameSettings } from './settings.js'
import { measureSpeed } from './speed.js'
import { type RunScores, readScores, writeScores } from './stored-scores.js'
import type { CompareRequest, PlannedRun } from './types.js'

export type RunState = 'new' | 'begun' | 'trained' | 'scored'

const DEFAULT_SAMPLES = 16

/** File in a run's folder that its scores are kept in. */
export const scoresFile = (folder: string): string => join(folder, 'scores.json')
/** Folder of a run that the masks of its test cases are in. */
export const masksFolder = (folder: string): string => join(folder, 'test')

/** What of a run is there already. @throws SeptumError `compare-changed` where it was made with other settings. */
export function stateOf(run: PlannedRun, request: CompareRequest): RunState {
  const file = join(run.folder, 'config.yaml')
  if (!existsSync(file)) return 'new'
  const before = storedConfig(file)
  // Without a readable configuration nothing of it can be trusted: training starts again.
  if (!before) return 'new'
  requireSameSettings(before, run.config, file)
  const trained = ['summary.json', 'weights.safetensors'].every((name) => existsSync(join(run.folder, name)))
  if (!trained) return 'begun'
  const scores = readScores(scoresFile(run.folder))
  return scores && fits(scores, request) ? 'scored' : 'trained'
}

function storedConfig(file: string): RunConfig | undefined {
  try {
    const config = runConfigSchema.parse(parse(readFileSync(file, 'utf8')))
    const options = methodByName(config.method).options.parse(config.options) as RunConfig['options']
    return { ...config, options }
  } catch {
    return undefined
  }
}

/** Whether stored scores are those that are asked for. */
function fits(
  scores: RunScores,
  { metrics, metricOptions, samples = DEFAULT_SAMPLES }: CompareRequest,
): boolean {
  const options = { ...defaultMetricOptions, ...metricOptions }
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  const chosen = chooseMetrics(metrics, materialOf(scores.samples, scores.raters))
  const ids = forDimensions(chosen, 2).map(({ id }) => id)
  return (
    // A method that gives one mask gives it however many are asked for.
    (scores.samples === 1 || scores.samples === samples) &&
    // Cases that could not be scored are tried again.
    scores.problems.length === 0 &&
    same(scores.metricOptions, options) &&
    same(scores.metrics, ids)
  )
}

const materialOf = (samples: number, raters: number) => ({
  samples,
  raters,
  kinds: ['labels' as const],
  volumes: false,
})

/**
 * Trains a run as far as it is not trained, and scores its test cases.
 * @returns null when it was stopped.
 */
export async function carryOut(
  run: PlannedRun,
  state: RunState,
  request: CompareRequest,
  reporter: Reporter,
): Promise<RunScores | null> {
  if (state === 'new' || state === 'begun') {
    const outcome = await train({
      config: run.config,
      configText: request.configText(run.config),
      out: run.folder,
      resume: state === 'begun',
      reporter,
      signal: request.signal,
    })
    if (outcome.interrupted) return null
  }
  return score(run, request, reporter)
}

async function score(run: PlannedRun, request: CompareRequest, reporter: Reporter): Promise<RunScores> {
  const { signal, samples = DEFAULT_SAMPLES } = request
  const metricOptions: MetricOptions = { ...defaultMetricOptions, ...request.metricOptions }
  const { device, threads } = run.config
  const done: ScoredCase[] = []
  let metrics: readonly MetricEntry[] = []
  let classes: readonly string[] = []
  const result = await evaluateRun({
    run: run.folder,
    split: 'test',
    samples,
    seed: request.firstSeed,
    device,
    threads,
    reporter,
    signal,
    async onCase(item) {
      if (metrics.length === 0) {
        const [one] = item.classes as [PredictedCase['classes'][number]]
        const material = materialOf(one.samples.length, one.raters.length)
        metrics = forDimensions(chooseMetrics(request.metrics, material), 2)
        classes = item.classes.map(({ name }) => name)
      }
      const ids = metrics.map(({ id }) => id)
      done.push(scoreInMemory(item, run.entry, ids, metricOptions))
      const file = join(masksFolder(run.folder), `${item.name}.png`)
      mkdirSync(dirname(file), { recursive: true })
      await writeMask(file, labelsOf(item), [item.height, item.width])
    },
  })
  const opened = openRun({ run: run.folder, device, threads, reporter })
  const scores: RunScores = {
    metrics: metrics.map(({ id }) => id),
    metricOptions,
    classes,
    samples: result.samples,
    raters: result.raters,
    splitHash: result.splitHash ?? '',
    trainingSeconds: readSummary(run.folder).seconds,
    speed: await measureSpeed(opened, { samples, device: opened.device, signal }),
    scores: done.flatMap((one) => one.scores),
    problems: done.flatMap((one) => one.problems),
    notes: result.notes.filter((note) => !/^(Two empty|Intervals)/.test(note)),
  }
  if (scores.scores.length === 0) {
    throw new SeptumError(
      'compare-none',
      'No test case could be scored',
      scores.problems[0]?.message ?? 'There is none.',
      { file: run.folder },
    )
  }
  await writeScores(scoresFile(run.folder), scores)
  // Only what was read back goes into the tables, so that they are the same after a restart.
  return readScores(scoresFile(run.folder))!
}

/** The likeliest class of each pixel whose probability is above one half, else 0. */
function labelsOf({ width, height, classes }: PredictedCase): Uint8Array {
  const labels = new Uint8Array(width * height)
  const best = new Float32Array(width * height).fill(0.5)
  for (const [c, { probability }] of classes.entries()) {
    for (let i = 0; i < labels.length; i++) {
      if (probability[i]! > best[i]!) {
        best[i] = probability[i]!
        labels[i] = c + 1
      }
    }
  }
  return labels
}
