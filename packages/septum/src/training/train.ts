import { SeptumError } from '@septum/core'
import { evaluationBatches, type SegmentationCase, splitHash, TrainingLoader } from '../datasets/index.js'
import { methodByName } from '../methods/index.js'
import type { AugmentationRecipe, Method, Phase } from '../methods/method.js'
import type { PhaseResult, TrainOutcome, TrainRequest } from './api.js'
import { fingerprint } from './checkpoint.js'
import { type DataConfig, valueRangeOf } from './data-settings.js'
import { buildModel, finishRunFolder, startRunFolder } from './run-folder.js'
import { RunLog } from './run-log.js'
import { type BatchSource, trainModel } from './trainer.js'
import { openWorkplace, precisionOf, prepareDevice, type RunTask, type Workplace } from './workplace.js'

/** So many cases, spread evenly over the list. */
function spread<C>(cases: readonly C[], count: number | null): readonly C[] {
  if (count === null || count >= cases.length) return cases
  return Array.from({ length: count }, (_, i) => cases[Math.floor((i * cases.length) / count)]!)
}

/** The augmentation of a phase on the data of this run. */
function recipeOf(
  { augmentation }: Phase,
  { imageSize, preprocessing }: RunTask,
  { patch }: DataConfig,
): AugmentationRecipe {
  return {
    ...augmentation,
    ...(patch ? { crop: imageSize, cropAt: 'random', patches: patch } : {}),
    ...(preprocessing ? { valueRange: valueRangeOf(preprocessing) } : {}),
  }
}

function batchSource(
  { store, cases, task, unlabelled, spacingMm }: Workplace,
  phase: Phase,
  index: number,
  { config }: TrainRequest,
  device: string,
): BatchSource {
  const size = task.imageSize
  const loader = new TrainingLoader({
    store,
    cases: cases.train,
    unlabelled,
    size,
    batchSize: phase.batchSize,
    seed: config.seed,
    stream: index,
    device,
    augmentation: recipeOf(phase, task, config.data),
    interpolation: 'bilinear',
    accumulate: phase.accumulate,
    ahead: config.data.ahead,
    ...(spacingMm ? { spacingMm } : {}),
  })
  const validation: readonly SegmentationCase[] = spread(cases.val, config.training.validationCases)
  let waitMs = 0
  let stepMs = 0
  let last = performance.now()
  return {
    async batch(number) {
      const before = loader.times
      const asked = performance.now()
      const batch = await loader.batch(number)
      const after = loader.times
      waitMs += after.waitMs - before.waitMs + after.cutMs - before.cutMs
      // Validation and checkpoints between two batches are not part of a step.
      stepMs += performance.now() - asked
      last = performance.now()
      return batch
    },
    worked() {
      stepMs += performance.now() - last
    },
    validation: () =>
      evaluationBatches(store, validation, { batchSize: Math.max(16, phase.batchSize), size, device }),
    get waitShare() {
      return stepMs === 0 ? 0 : waitMs / stepMs
    },
    close: () => {},
  }
}

function withSteps(phases: readonly Phase[], steps: Readonly<Record<string, number>>): readonly Phase[] {
  const unknown = Object.keys(steps).find((name) => !phases.some((phase) => phase.name === name))
  if (unknown) {
    throw new SeptumError(
      'config-phase',
      `There is no training phase named '${unknown}'`,
      `Name one of: ${phases.map((phase) => phase.name).join(', ')}.`,
      { option: 'training.steps' },
    )
  }
  return phases
}

/** @throws SeptumError `method-labels` where a method would take regions or the ignore label for something else. */
function refuseUnheeded({ name, heeds = [] }: Method<unknown>, { regions, ignores }: RunTask): void {
  const what =
    regions && !heeds.includes('regions')
      ? 'regions'
      : ignores && !heeds.includes('ignores')
        ? 'ignores'
        : null
  if (!what) return
  throw new SeptumError(
    'method-labels',
    what === 'regions'
      ? `The classes of this data set are regions that may overlap, which ${name} does not know`
      : `The masks of this data set have an ignore label, which ${name} would count as background`,
    'Train unet, or describe the masks with plain classes in dataset.yaml.',
    { option: 'method' },
  )
}

/** Trains a run from its configuration; see `TrainingApi`. */
export async function train(request: TrainRequest): Promise<TrainOutcome> {
  const { config, reporter } = request
  const device = prepareDevice(config.device, config.threads, reporter)
  const workplace = await openWorkplace(config.data, config.seed, reporter)
  try {
    return await trainOn(workplace, request, device)
  } finally {
    await workplace.close()
  }
}

async function trainOn(workplace: Workplace, request: TrainRequest, device: string): Promise<TrainOutcome> {
  const { config, out, reporter } = request
  const { training } = config
  refuseUnheeded(methodByName(config.method), workplace.task)
  if (workplace.cases.val.length === 0) {
    throw new SeptumError(
      'split-empty',
      'No case is left for validation',
      'Give a split with validation patients.',
      { file: config.data.path },
    )
  }
  const options = withPhaseSteps(config, training.steps)
  const model = buildModel({ ...config, options }, workplace.task, device)
  model.initialise?.(reporter)
  const phases = withSteps(model.phases(), training.steps)
  const startFolder = (): void => startRunFolder(out, request.configText, workplace.task)
  // A resumed run keeps its files until its checkpoint was found to fit what is asked for now.
  if (!request.resume) startFolder()
  const log = new RunLog(out, phases, training.logEvery)
  const sizes = `${model.parameterCount().toLocaleString('en')} parameters, ${workplace.cases.train.length} training and ${workplace.cases.val.length} validation cases`
  reporter.info(`${methodByName(config.method).title}: ${sizes}, on ${device}.`)
  try {
    const result = await trainModel({
      methodName: config.method,
      model,
      source: (phase, index) => batchSource(workplace, phase, index, request, device),
      runDir: out,
      seed: config.seed,
      device,
      precision: precisionOf(training.precision, device),
      validateEvery: training.validateEvery,
      checkpointEvery: training.checkpointEvery,
      fingerprint: fingerprint({
        method: config.method,
        options,
        seed: config.seed,
        task: workplace.task,
        split: splitHash(workplace.splits),
        // Absent unless set, so that runs from before these settings go on.
        ...(config.data.patch ? { patch: config.data.patch } : {}),
        ...(config.data.unlabelled === null
          ? {}
          : { unlabelled: workplace.unlabelled.map(({ name }) => name) }),
      }),
      resume: request.resume,
      reporter,
      events: log,
      flush: () => log.flush(),
      onResume({ phase, step }) {
        startFolder()
        log.resumeAt(phase, step)
      },
      signal: request.signal,
    })
    if (result.status === 'finished') {
      finishRunFolder(out, model, {
        method: config.method,
        parameters: model.parameterCount(),
        seconds: result.seconds,
        seed: config.seed,
      })
    }
    const totalSteps = phases.reduce((sum, phase) => sum + phase.steps, 0)
    return {
      run: out,
      interrupted: result.status === 'interrupted',
      steps: result.steps,
      totalSteps,
      seconds: result.seconds,
      dataWait: Math.max(0, ...result.phases.map((phase) => phase.waitShare)),
      phases: result.phases.map(
        ({ name, steps, seconds, best }): PhaseResult => ({
          name,
          steps,
          seconds,
          bestScore: best?.score ?? null,
          bestStep: best?.step ?? null,
          metrics: best?.metrics ?? {},
        }),
      ),
    }
  } finally {
    log.close()
  }
}

/** Options with the numbers of steps that `training.steps` asks for, where the method keeps them. */
function withPhaseSteps(
  config: TrainRequest['config'],
  steps: Readonly<Record<string, number>>,
): Record<string, unknown> {
  const parsed = methodByName(config.method).options.parse(config.options) as Record<string, unknown>
  const changed: Record<string, unknown> = { ...parsed }
  for (const [name, count] of Object.entries(steps)) {
    const section = parsed[name]
    if (section !== null && typeof section === 'object' && 'steps' in section)
      changed[name] = { ...section, steps: count }
    else if ('steps' in parsed) changed.steps = count
  }
  return changed
}
