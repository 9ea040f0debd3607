import { join, resolve } from 'node:path'
import { type Reporter, SeptumError } from '@septum/core'
import { manualSeed } from '@septum/torch'
import type { FolderDataset } from '../datasets/index.js'
import { methodByName } from '../methods/index.js'
import type { AugmentationRecipe, Phase, Task } from '../methods/method.js'
import { stepsOfPhases, validateEvery } from './budget.js'
import { predictionCost } from './cost/index.js'
import type { Division } from './divisions.js'
import type { CompareRequest, ComparisonEntry, Cost, PhaseRecipe, PlannedRun, RunFailure } from './types.js'

/** A method that can be built, with what is known of it before training. */
export interface PlannedMethod extends Cost {
  readonly name: string
  readonly method: string
  readonly title: string
  readonly imageSize: readonly number[]
  readonly phases: readonly PhaseRecipe[]
}

export interface Plan {
  readonly methods: readonly PlannedMethod[]
  /** Every method once before any a second time, so that a stopped comparison compares. */
  readonly runs: readonly PlannedRun[]
  readonly failures: readonly RunFailure[]
}

/**
 * Builds every method once, before hours of training: sizes, costs, recipes, and what is wrong with its settings.
 * A method that cannot be built is a failure of its own.
 * @throws SeptumError `data-size`; the first failure where no method can be built
 */
export async function planRuns(
  dataset: FolderDataset,
  divisions: readonly Division[],
  request: CompareRequest,
  reporter: Reporter,
): Promise<Plan> {
  const methods: PlannedMethod[] = []
  const failures: RunFailure[] = []
  const runs = new Map<string, PlannedRun>()
  let first: unknown
  const progress = reporter.progress('Building the methods', request.entries.length, 'methods')
  for (const [index, entry] of request.entries.entries()) {
    request.signal.throwIfAborted()
    const task = taskOf(dataset, entry)
    try {
      const { method, phases } = await build(entry, task, divisions, request)
      methods.push(method)
      for (const run of runsOf(entry, phases, divisions, request)) runs.set(keyOf(run), run)
    } catch (error) {
      first ??= error
      failures.push(failureOf(error, entry.name, null))
      reporter.warn(`${entry.name} is left out: ${failures.at(-1)!.message}`)
    }
    progress.update(index + 1)
  }
  progress.finish()
  if (methods.length === 0) throw first
  const ordered = seedsOf(request).flatMap((seed) =>
    divisions.flatMap(({ fold }) => methods.map(({ name }) => runs.get(keyOf({ entry: name, fold, seed }))!)),
  )
  return { methods, runs: ordered, failures }
}

const keyOf = ({ entry, fold, seed }: Pick<PlannedRun, 'entry' | 'fold' | 'seed'>) =>
  JSON.stringify([entry, fold, seed])

/** The seeds of a comparison. */
export const seedsOf = ({ seeds, firstSeed }: Pick<CompareRequest, 'seeds' | 'firstSeed'>): number[] =>
  Array.from({ length: seeds }, (_, i) => firstSeed + i)

function taskOf(dataset: FolderDataset, { config }: ComparisonEntry): Task {
  const size = config.data.imageSize ?? dataset.commonSize
  if (!size) {
    throw new SeptumError(
      'data-size',
      'The images have different sizes',
      'Say what the networks shall see, e.g. --size 352x352: images are stretched to it.',
      { file: dataset.dir },
    )
  }
  return {
    dimensions: 2,
    imageChannels: dataset.imageChannels,
    classes: dataset.classes,
    raters: dataset.raters.length,
    imageSize: size,
    maxValue: dataset.description.maxValue,
  }
}

async function build(
  { name, config }: ComparisonEntry,
  task: Task,
  divisions: readonly Division[],
  request: CompareRequest,
): Promise<{ method: PlannedMethod; phases: readonly Phase[] }> {
  const found = methodByName(config.method)
  manualSeed(config.seed)
  const model = found.build(found.options.parse(config.options), task)
  const phases = model.phases()
  const { parameters, macs } = await predictionCost(model, task)
  const steps = stepsOf({ name, config }, phases, divisions[0]!, request)
  return {
    phases,
    method: {
      name,
      method: found.name,
      title: found.title,
      imageSize: task.imageSize,
      parameters,
      macs,
      phases: phases.map((phase) => recipeOf(phase, steps[phase.name] ?? phase.steps)),
    },
  }
}

/** Steps of the phases in runs of a division: the method's own where its settings name them, else the budget's. */
function stepsOf(
  { config }: ComparisonEntry,
  phases: readonly Phase[],
  { cases }: Division,
  { budget }: CompareRequest,
): Record<string, number> {
  if (Object.keys(config.training.steps).length > 0) return config.training.steps
  const usual = methodByName(config.method).options.safeParse({}).data
  if (JSON.stringify(ownSteps(usual)) !== JSON.stringify(ownSteps(config.options)))
    return Object.fromEntries(phases.map((phase) => [phase.name, phase.steps]))
  return stepsOfPhases(phases, budget, cases.train)
}

/** Values of the options that are called `steps`, wherever they stand. */
function ownSteps(options: unknown): unknown[] {
  if (typeof options !== 'object' || options === null) return []
  return Object.entries(options).flatMap(([key, value]) => (key === 'steps' ? [value] : ownSteps(value)))
}

function runsOf(
  entry: ComparisonEntry,
  phases: readonly Phase[],
  divisions: readonly Division[],
  request: CompareRequest,
): PlannedRun[] {
  const { config } = entry
  return divisions.flatMap((division) =>
    seedsOf(request).map((seed): PlannedRun => {
      const steps = stepsOf(entry, phases, division, request)
      const name = division.fold === null ? `seed-${seed}` : `fold-${division.fold}-seed-${seed}`
      const every = validateEvery(config.training.validateEvery, steps)
      return {
        entry: entry.name,
        fold: division.fold,
        seed,
        name,
        folder: join(resolve(request.out), 'runs', entry.name, name),
        config: {
          ...config,
          seed,
          data: { ...config.data, splits: division.file },
          training: { ...config.training, steps, validateEvery: every },
        },
      }
    }),
  )
}

function recipeOf(
  { name, batchSize, accumulate, optimizer, augmentation }: Phase,
  steps: number,
): PhaseRecipe {
  return {
    name,
    steps,
    batchSize: batchSize * accumulate,
    optimizer: `${optimizer.kind}, ${optimizer.schedule.kind}`,
    lr: optimizer.lr,
    augmentation: augmentationText(augmentation),
  }
}

function augmentationText(recipe: AugmentationRecipe): string {
  const { flipHorizontal, flipVertical, rotateDegrees, rotate90, intensity, multiScale } = recipe
  const parts = [
    (flipHorizontal > 0 || flipVertical > 0) && 'mirrored',
    rotateDegrees > 0 && `turned by up to ${rotateDegrees}°`,
    rotate90 && 'turned by quarters',
    intensity > 0 && `brightness ±${Math.round(100 * intensity)} %`,
    multiScale &&
      multiScale.rates.length > 1 &&
      `sizes ${multiScale.rates.map((rate) => `×${Number(rate.toFixed(2))}`).join(' ')}`,
    recipe.scale && 'scaled',
    recipe.elastic && 'deformed',
    recipe.appearance && 'appearance',
    recipe.mix && 'mixed',
  ].filter(Boolean)
  return parts.join(', ') || 'none'
}

/** Any error as a sentence with its remedy. */
export function failureOf(error: unknown, entry: string, run: string | null): RunFailure {
  if (error instanceof SeptumError) {
    const { code, message, hint } = error
    return { entry, run, code, message: `${message}. ${hint}` }
  }
  const text = error instanceof Error ? error.message.split('\n')[0]! : String(error)
  return { entry, run, code: 'unexpected', message: text }
}
