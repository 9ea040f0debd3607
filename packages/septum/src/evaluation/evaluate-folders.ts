import { defaultMetricOptions, type MetricEntry, type Reporter, SeptumError } from '@septum/core'
import { chooseMetrics, forDimensions, type KindFound, kindOf, mostSamples } from './choose.js'
import { ScoreCollector } from './collect.js'
import { type CaseJob, type EvaluationPlan, jobMethods } from './job.js'
import { MILLIMETRES } from './outputs/tables.js'
import { runJobs } from './pool.js'
import { findPredictions, type MethodFiles } from './predictions.js'
import { openReferences, type ReferenceEntry, type References, readReference } from './references.js'
import type { ScoredCase } from './score.js'
import { listStems } from './stems.js'
import type { EvaluateFoldersRequest, Evaluation, UnpairedCases } from './types.js'

/** A finished evaluation, and what is needed to look at one of its cases again. */
export interface FolderEvaluation {
  readonly evaluation: Evaluation
  readonly plan: EvaluationPlan
  readonly jobs: readonly CaseJob[]
}

/**
 * Scores folders of predicted masks against references, case by case on worker threads.
 * @throws SeptumError for folders that cannot be evaluated at all (`predictions-*`, `references-*`,
 * `evaluate-none`, `metric-unknown`); what is wrong with single cases is in `problems`.
 */
export async function evaluateFolders(request: EvaluateFoldersRequest): Promise<FolderEvaluation> {
  const start = performance.now()
  const { reporter, signal, methods, seed = 0 } = request
  const references = chosenOf(await openReferences(request, await firstNames(request)), request.cases)
  const names = references.entries.map(({ name }) => name)
  const classes = references.classes.map(({ name }) => name)
  const found: (MethodFiles & KindFound)[] = []
  for (const method of methods) {
    const files = await findPredictions(method, names, classes)
    const kind = await kindOf(files, method.kind ?? request.kind ?? 'auto', references.classes)
    if (kind.why) reporter.info(`${method.name}: ${files.cases.size} cases of ${kind.kind} (${kind.why})`)
    found.push({ ...files, ...kind })
  }
  const paired = references.entries.filter(({ name }) => found.some(({ cases }) => cases.has(name)))
  const first = await firstReadable(references, paired)
  const metricOptions = { ...defaultMetricOptions, ...request.metricOptions }
  const metrics = forDimensions(
    chooseMetrics(request.metrics, {
      samples: mostSamples(found.flatMap(({ cases }) => [...cases.values()])),
      raters: first?.raters.length ?? 1,
      kinds: found.map(({ kind }) => kind),
      volumes: first?.size.length === 3,
    }),
    first?.size.length ?? 2,
  )
  const plan: EvaluationPlan = {
    reader: references.reader,
    prepare: {
      classes: references.classes,
      resample: request.resample ?? false,
      threshold: metricOptions.threshold,
      objects: metrics.some(({ input }) => input === 'instances'),
    },
    ids: metrics.map(({ id }) => id),
    options: metricOptions,
  }
  const jobs = paired.map((entry, index) => ({ index, entry, methods: jobMethods(entry.name, found) }))
  let workers = 1
  const collector = new ScoreCollector()
  const progress = reporter.progress('cases', jobs.length, 'cases')
  let done = 0
  try {
    const onResult = (_: CaseJob, result: ScoredCase) => {
      collector.add(result)
      progress.update(++done)
    }
    workers = await runJobs(plan, jobs, request.workers ?? 0, signal, onResult, request.program)
  } finally {
    progress.finish()
  }
  const unpaired = unpairedCases(names, found)
  const evaluation = collector.finish({
    title: `${methods.map(({ name }) => name).join(', ')} against ${references.dataset.name}`,
    dataset: references.dataset,
    methods: methods.map(({ name }) => name),
    classes,
    metrics,
    metricOptions,
    seed,
    unpaired,
    notes: notesOf(found, metrics, first?.geometry !== undefined),
    workers,
    seconds: (performance.now() - start) / 1000,
  })
  warn(evaluation, reporter)
  if (evaluation.cases === 0) {
    const [problem] = evaluation.problems
    throw new SeptumError(
      'evaluate-none',
      `No case could be scored: ${problem ? `${problem.case}: ${problem.message.replace(/\. [^.]*\.$/, '')}` : 'there is none'}`,
      'See the warnings above. Is the second folder that of the data set, not of its masks alone?',
    )
  }
  return { evaluation, plan, jobs }
}

/** The references of the cases that are asked for. */
function chosenOf(references: References, cases: readonly string[] | undefined): References {
  if (!cases) return references
  const wanted = new Set(cases)
  return { ...references, entries: references.entries.filter(({ name }) => wanted.has(name)) }
}

/** Names in the first folder of predictions: they tell cases from raters in a bare folder of references. */
async function firstNames({ methods }: EvaluateFoldersRequest): Promise<Set<string>> {
  const stems = await listStems(methods[0]!.folder).catch((error: unknown) => {
    // The folder is opened again by `findPredictions`, which says what is wrong with it.
    if (error instanceof SeptumError) return null
    throw error
  })
  return new Set(
    [...(stems?.files.keys() ?? [])].flatMap((stem) => {
      const bare = stem.replace(/^samples\//, '')
      return [bare, bare.split('/')[0]!]
    }),
  )
}

/** The first case whose reference can be read: it tells axes and raters. */
async function firstReadable(references: References, entries: readonly ReferenceEntry[]) {
  for (const entry of entries) {
    try {
      return await readReference(references.reader, entry)
    } catch (error) {
      if (!(error instanceof SeptumError)) throw error
    }
  }
  return undefined
}

function unpairedCases(names: readonly string[], found: readonly MethodFiles[]): UnpairedCases[] {
  return found.map(({ name, cases, withoutReference }) => ({
    method: name,
    withoutPrediction: names.filter((one) => !cases.has(one)),
    withoutReference,
  }))
}

function notesOf(
  found: readonly (MethodFiles & KindFound)[],
  metrics: readonly MetricEntry[],
  millimetres: boolean,
): string[] {
  const hard = found.filter(
    ({ kind, cases }) =>
      kind !== 'probabilities' &&
      [...cases.values()].every((one) => Object.keys(one.probability).length === 0),
  )
  const soft = metrics.some(({ input }) => input === 'probabilities')
  return [
    ...(soft && hard.length > 0
      ? [
          `${hard.map(({ name }) => name).join(', ')}: there are no probabilities, so the masks (or the mean of the samples) stand for them.`,
        ]
      : []),
    ...(metrics.some(({ usesSpacing }) => usesSpacing)
      ? [millimetres ? MILLIMETRES : 'Lengths are in pixels: the images tell no spacing.']
      : []),
  ]
}

/** Beyond these one mistake that all cases share would fill the screen; results.json has them all. */
const PROBLEMS_SHOWN = 5

/** One sentence for everything that did not go into the numbers. */
function warn({ problems, unpaired, absent, methods }: Evaluation, reporter: Reporter): void {
  const named = (name: string | null) => (methods.length > 1 && name !== null ? `${name}, ` : '')
  for (const { case: name, method, message } of problems.slice(0, PROBLEMS_SHOWN))
    reporter.warn(`${named(method)}case ${name}: ${message}`)
  if (problems.length > PROBLEMS_SHOWN)
    reporter.warn(`${problems.length - PROBLEMS_SHOWN} more cases could not be scored.`)
  for (const { method, withoutPrediction, withoutReference } of unpaired) {
    if (withoutPrediction.length > 0)
      reporter.warn(
        `${named(method)}${count(withoutPrediction, 'reference')} no prediction and ${are(withoutPrediction)} left out: ${some(withoutPrediction)}.`,
      )
    if (withoutReference.length > 0)
      reporter.warn(
        `${named(method)}${count(withoutReference, 'prediction')} no reference and ${are(withoutReference)} left out: ${some(withoutReference)}.`,
      )
  }
  for (const { class: name, method } of absent) {
    const who =
      method === null
        ? 'No reference marks'
        : `${methods.length > 1 ? `${method} marks` : 'The predictions mark'}`
    reporter.warn(
      method === null
        ? `${who} the class ${name} anywhere: its scores rest on the rules for empty masks alone.`
        : `${who} the class ${name} nowhere.`,
    )
  }
}

const count = (list: readonly string[], word: string) =>
  list.length === 1 ? `1 ${word} has` : `${list.length} ${word}s have`

const are = (list: readonly string[]) => (list.length === 1 ? 'is' : 'are')

const some = (list: readonly string[]) =>
  list.length > 3 ? `${list.slice(0, 3).join(', ')} and ${list.length - 3} more` : list.join(', ')
