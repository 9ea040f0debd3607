import { SeptumError } from '@septum/core'
import { evaluationBatches, type SegmentationCase, splitHash, TrainingLoader } from '../datasets/index.js'
import { methodByName, methods } from '../methods/index.js'
import type { AugmentationRecipe, Method, Phase, SegmentationModel } from '../methods/method.js'
import type { PhaseResult, TrainOutcome, TrainRequest } from './api.js'
import { fingerprint } from './checkpoint.js'
import { type DataConfig, valueRangeOf } from './data-settings.js'
import { withEpochs } from './epochs.js'
import { annotated, casesByPart, validateParts } from './joint/batches.js'
import { writeSheet } from './live/picture-folder.js'
import { shownCases } from './live/shown-cases.js'
import { StatusFile } from './live/status-file.js'
import { buildModel, finishRunFolder, startRunFolder } from './run-folder.js'
import { RunLog } from './run-log.js'
import { type BatchSource, type TrainingEvents, trainModel } from './trainer.js'
import { MOST_VOLUMES, validateVolumes } from './validate-volumes.js'
import { openWorkplace, precisionOf, prepareDevice, type RunTask, type Workplace } from './workplace.js'

/** So many cases, spread evenly over the list. */
function spread<C>(cases: readonly C[], count: number | null): readonly C[] {
  if (count === null || count >= cases.length) return cases
  return Array.from({ length: count }, (_, i) => cases[Math.floor((i * cases.length) / count)]!)
}

/** The augmentation of a phase on the data of this run. */
function recipeOf(
  { augmentation }: Phase,
  { imageSize, preprocessing, patches }: RunTask,
  data: DataConfig,
): AugmentationRecipe {
  const patch = data.patch ?? patches
  return {
    ...augmentation,
    ...(patch ? { crop: imageSize, cropAt: 'random', patches: patch } : {}),
    ...(preprocessing ? { valueRange: valueRangeOf(preprocessing) } : {}),
  }
}

function batchSource(
  { store, cases, task, unlabelled, spacingMm }: Workplace,
  model: SegmentationModel,
  phase: Phase,
  index: number,
  { config }: TrainRequest,
  device: string,
): BatchSource {
  const { imageSize: size, parts } = task
  const loader = new TrainingLoader({
    store,
    cases: cases.train,
    ...(parts && config.data.sampling === 'equal' ? { turns: casesByPart(cases.train, parts) } : {}),
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
  const { validationCases, validateVolumes: extent } = config.training
  // What the phases before the last train gives no masks of images.
  const ofLast = index === model.phases().length - 1
  const whole = task.dimensions === 3 && extent === 'whole' && ofLast && !parts
  const most = validationCases ?? (whole ? MOST_VOLUMES : null)
  const validation: readonly SegmentationCase[] = spread(cases.val, most)
  const batchSize = Math.max(16, phase.batchSize)
  const ofParts = parts && casesByPart(cases.val, parts)
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
      return annotated(batch, parts)
    },
    worked() {
      stepMs += performance.now() - last
    },
    validation: () => evaluationBatches(store, validation, { batchSize, size, device }),
    ...(ofParts && {
      validate: () => {
        const each = most && Math.ceil(most / ofParts.length)
        const batchesOf = (part: number) =>
          evaluationBatches(store, spread(ofParts[part]!, each), { batchSize, size, device })
        return validateParts(parts, batchesOf, (batches) => phase.validate(batches))
      },
    }),
    ...(whole && { validate: () => validateVolumes(model, task, store, validation, device) }),
    // Spread over the split: neighbours in the list are often slices of one patient.
    ...(config.training.pictures > 0 && {
      shown: () => {
        const several = spread(validation, 3 * config.training.pictures)
        return evaluationBatches(store, several, { batchSize: several.length, size, device })
      },
    }),
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
function refuseUnheeded({ name, heeds = [] }: Method<unknown>, task: RunTask): void {
  const { regions, ignores, parts, classes } = task
  const partial = parts?.some((part) => part.annotated.length < classes.length)
  if (partial && !heeds.includes('annotated')) {
    throw new SeptumError(
      'method-labels',
      `The data sets have unlike classes, and ${name} would take what one does not mark for background`,
      `Train one of ${namesOf('annotated')}, or everything marked as one class: --set data.classes=one.`,
      { option: 'method' },
    )
  }
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
    `Train one of ${namesOf(what)}, or describe the masks with plain classes in dataset.yaml.`,
    { option: 'method' },
  )
}

const namesOf = (what: 'regions' | 'ignores' | 'annotated'): string =>
  methods
    .filter(({ heeds }) => heeds?.includes(what))
    .map(({ name }) => name)
    .join(', ')

/** Data sets may be moved between two parts of a training. */
function withoutPlaces(task: RunTask): unknown {
  const { parts } = task
  return parts
    ? { ...task, parts: parts.map(({ path: _, splits: __, description: ___, ...part }) => part) }
    : task
}

/** Images without masks that nobody asks for, or that are asked for in vain. */
function tellUnlabelled(
  name: string,
  phases: readonly Phase[],
  images: number,
  reporter: TrainRequest['reporter'],
): void {
  const asks = phases.some(({ augmentation }) => (augmentation.unlabelled?.batchSize ?? 0) > 0)
  if (asks && images === 0) {
    reporter.warn(
      `${name} learns from images without masks too, and there are none: name a second data set with data.unlabelled, or the labelled patients in splits.json.`,
    )
  }
  if (!asks && images > 0)
    reporter.info(`${name} does not learn from images without masks: ${images} are left out.`)
}

/** Trains a run from its configuration; see `TrainingApi`. */
export async function train(request: TrainRequest): Promise<TrainOutcome> {
  const { config, reporter } = request
  const device = prepareDevice(config.device, config.threads, reporter)
  const method = methodByName(config.method)
  const plans = method.plans?.(method.options.parse(config.options)) ?? false
  const workplace = await openWorkplace(config.data, config.seed, reporter, { plans })
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
  const options = withPhaseSteps(config, workplace)
  const model = buildModel({ ...config, options }, workplace.task, device)
  model.initialise?.(reporter)
  const phases = withSteps(model.phases(), training.steps)
  tellUnlabelled(config.method, phases, workplace.unlabelled.length, reporter)
  const startFolder = (): void => startRunFolder(out, request.configText, workplace.task)
  // A resumed run keeps its files until its checkpoint was found to fit what is asked for now.
  if (!request.resume) startFolder()
  const log = new RunLog(out, phases, training.logEvery)
  const status = new StatusFile(out, {
    method: config.method,
    phases,
    cases: { train: workplace.cases.train.length, val: workplace.cases.val.length },
    parameters: model.parameterCount(),
  })
  if (!request.resume) status.begin()
  const events: TrainingEvents = {
    step(event) {
      log.step(event)
      status.step(event.phase, event.step)
    },
    validation: (event) => log.validation(event),
    validating: () => status.validating(),
    async show(phase, step, batch) {
      const shown = await shownCases(model, phase, workplace.task, batch, training.pictures)
      const sheet = await writeSheet(out, phase.name, step, shown)
      log.pictures(phase.name, step, {
        ...sheet,
        classes: workplace.task.classes.slice(0, shown[0]!.classes.length),
      })
    },
  }
  const sizes = `${model.parameterCount().toLocaleString('en')} parameters, ${workplace.cases.train.length} training and ${workplace.cases.val.length} validation cases`
  reporter.info(`${methodByName(config.method).title}: ${sizes}, on ${device}.`)
  try {
    const result = await trainModel({
      methodName: config.method,
      model,
      source: (phase, index) => batchSource(workplace, model, phase, index, request, device),
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
        task: withoutPlaces(workplace.task),
        split: splitHash(workplace.splits),
        // Absent unless set, so that runs from before these settings go on.
        ...(config.data.patch ? { patch: config.data.patch } : {}),
        ...(config.data.unlabelled === null
          ? {}
          : { unlabelled: workplace.unlabelled.map(({ name }) => name) }),
      }),
      resume: request.resume,
      reporter,
      events,
      flush: () => log.flush(),
      onResume({ phase, step }) {
        startFolder()
        log.resumeAt(phase, step)
        status.begin(phase, step)
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
    status.end(result.status)
    const totalSteps = phases.reduce((sum, phase) => sum + phase.steps, 0)
    return {
      run: out,
      interrupted: result.status === 'interrupted',
      steps: result.steps,
      totalSteps,
      testCases: workplace.cases.test.length,
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
  } catch (error) {
    const { code, message } =
      error instanceof SeptumError ? error : { code: 'unexpected', message: String(error) }
    status.end('failed', { code, message })
    throw error
  } finally {
    log.close()
  }
}

/** Options with the numbers of steps that `training.epochs` and `training.steps` ask for, where the method keeps them. */
function withPhaseSteps(
  { method, options, training }: TrainRequest['config'],
  { cases, task }: Workplace,
): Record<string, unknown> {
  const own = methodByName(method).options.parse(options) as Record<string, unknown>
  const { steps, epochs } = training
  const parsed = withEpochs(own, epochs, cases.train.length, task.plannedBatch)
  const changed: Record<string, unknown> = { ...parsed }
  for (const [name, count] of Object.entries(steps)) {
    const section = parsed[name]
    if (section !== null && typeof section === 'object' && 'steps' in section)
      changed[name] = { ...section, steps: count }
    else if ('steps' in parsed) changed.steps = count
  }
  return changed
}
