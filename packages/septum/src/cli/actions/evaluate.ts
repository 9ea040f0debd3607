import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { defaultMetricOptions, type MetricEntry, type MetricOptions, SeptumError } from '@septum/core'
import type { CasePicture, ClassSpec, Evaluation, MethodFolder } from '../../evaluation/index.js'
import { writeWhole } from '../../formats/write.js'
import type { EvaluateOptions } from '../commands/evaluate.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { evaluateParts, partsToScore } from './evaluate-parts.js'
import { drawRuns, type NamedFolders } from './evaluate-runs.js'
import { evaluationLines } from './scores.js'

/** Cases that the report shows as pictures. */
const PICTURES = 10

/** What was scored, and how to look at one of its cases. */
interface Scored {
  readonly evaluation: Evaluation
  pictures(names: readonly string[]): Promise<CasePicture[]>
  /** Removes what the pictures were made from. */
  close?(): void
  readonly next: (out: string | undefined) => string
}

/** Two forms, told apart by what the first folder is. @returns the exit code. */
export function evaluateAction(
  cli: Cli,
  folders: readonly string[],
  options: EvaluateOptions,
): Promise<number> {
  return runCommand(cli, {
    name: 'evaluate',
    options,
    onInterrupt: 'stopping after this case.',
    async work(place) {
      const run = isRun(folderOf(folders[0]!)) && !isComparison(folders, options)
      const parts = run ? partsToScore(folders, options) : []
      if (parts.length === 0) return evaluateOnce(run ? scoreRun : scoreFolders, place, folders, options)
      return evaluateParts(folders[0]!, parts, options, (own, ownOptions) =>
        evaluateOnce(scoreRun, place, own, ownOptions),
      )
    },
  })
}

async function evaluateOnce(
  form: typeof scoreRun | typeof scoreFolders,
  place: Workplace,
  folders: readonly string[],
  options: EvaluateOptions,
): Promise<Outcome> {
  const scored = await form(place, folders, options)
  const { evaluation } = scored
  let written: string[]
  try {
    written = options.out ? await write(place, scored, options.out) : []
  } finally {
    scored.close?.()
  }
  const { plainEvaluation } = await place.cli.load.evaluation()
  return {
    result: plainEvaluation(evaluation),
    text: [...evaluationLines(evaluation, place), ...written],
    next: scored.next(options.out),
    failed: evaluation.problems.length > 0 || (options.complete === true && incomplete(evaluation)),
  }
}

const isRun = (folder: string): boolean => existsSync(join(folder, 'config.yaml'))

/** A run stands among several methods: the references are told, or another run is there. */
const isComparison = (folders: readonly string[], { reference }: EvaluateOptions): boolean =>
  folders.length > 1 &&
  (reference !== undefined || folders.filter((folder) => isRun(folderOf(folder))).length > 1)

const incomplete = ({ unpaired }: Evaluation): boolean =>
  unpaired.some(({ withoutPrediction }) => withoutPrediction.length > 0)

async function write({ cli }: Workplace, scored: Scored, out: string): Promise<string[]> {
  const { caseCsv, worstCases, writeOutputs } = await cli.load.evaluation()
  const { evaluation } = scored
  if (/\.csv$/i.test(out)) {
    await writeWhole(out, caseCsv(evaluation))
    return [`Scores of each case are in ${out}.`]
  }
  await writeOutputs(out, evaluation)
  const { renderEvaluationPage } = await import('../../report/evaluation/page.js')
  const page = join(out, 'report.html')
  const pictures = await scored.pictures(worstCases(evaluation, PICTURES))
  await writeWhole(page, await renderEvaluationPage({ evaluation, pictures }))
  return [
    `Report: ${page}`,
    `Tables: ${join(out, 'table.md')}, table.tex, summary.csv, cases.csv, results.json`,
  ]
}

function metricOptionsOf({ tolerance, threshold }: EvaluateOptions): Partial<MetricOptions> {
  return {
    ...(tolerance === undefined ? {} : { tolerance }),
    ...(threshold === undefined ? {} : { threshold }),
  }
}

/** Masks of a run are drawn and scored one after the other; nothing is written between. */
async function scoreRun(
  { cli, reporter, signal }: Workplace,
  folders: readonly string[],
  options: EvaluateOptions,
): Promise<Scored> {
  const [first, dataset = options.reference, ...more] = folders as [string, ...string[]]
  const { name: method, folder: run } = methodOf(first)
  if (more.length > 0) {
    throw new SeptumError(
      'usage-evaluate',
      'Of a run and several folders nobody can tell which one holds the references',
      `Write septum evaluate ${shellLine(folders)} --reference REFERENCES`,
      { file: run },
    )
  }
  refuse(options, ['classes', 'kind', 'resample', 'complete', 'images', 'workers'], 'folders of masks', run)
  const { split = 'test', samples, seed = 0, device = 'auto', threads = 0, description } = options
  const {
    chooseMetrics,
    forDimensions,
    MILLIMETRES,
    pictureInMemory,
    ScoreCollector,
    scoreInMemory,
    WorstKept,
  } = await cli.load.evaluation()
  const { evaluateRun } = await cli.load.training()
  const metricOptions = { ...defaultMetricOptions, ...metricOptionsOf(options) }
  const collector = new ScoreCollector()
  let metrics: readonly MetricEntry[] = []
  let classes: readonly string[] = []
  let millimetres = false
  let worst: InstanceType<typeof WorstKept<CasePicture>> | undefined
  const own = await evaluateRun({
    run,
    dataset,
    description,
    split,
    samples,
    seed,
    device,
    threads,
    reporter,
    signal,
    volumes: true,
    onCase: (item) => {
      if (metrics.length === 0) {
        const [{ samples: drawn, raters }] = item.classes as [(typeof item.classes)[number]]
        const volumes = item.depth !== undefined
        const material = {
          samples: drawn.length,
          raters: raters.length,
          kinds: ['labels' as const],
          volumes,
        }
        metrics = forDimensions(chooseMetrics(options.metrics ?? [], material), volumes ? 3 : 2)
        millimetres = item.spacingMm !== undefined && metrics.some(({ usesSpacing }) => usesSpacing)
        classes = item.classes.map(({ name }) => name)
        worst = new WorstKept(metrics, PICTURES)
      }
      const ids = metrics.map(({ id }) => id)
      const scored = scoreInMemory(item, method, ids, metricOptions)
      collector.add(scored)
      worst!.offer(item.name, scored, () => pictureInMemory(item, method))
    },
  })
  const evaluation = collector.finish({
    title: own.title,
    dataset: own.dataset,
    methods: [method],
    classes,
    metrics,
    metricOptions,
    seed,
    notes: [
      ...own.notes.filter((note) => !/^(Two empty|Intervals)/.test(note)),
      ...(millimetres ? [MILLIMETRES] : []),
    ],
    seconds: own.seconds,
  })
  return {
    evaluation,
    pictures: async (names) => worst?.pictures(names) ?? [],
    next: () => `septum predict ${shellLine([run])} IMAGES --out masks --preview`,
  }
}

async function scoreFolders(
  place: Workplace,
  folders: readonly string[],
  options: EvaluateOptions,
): Promise<Scored> {
  const { cli, reporter, signal } = place
  const named = foldersOf(folders, options)
  const runs = named.methods.filter(({ folder }) => isRun(folder))
  if (runs.length === 0) refuse(options, ['samples', 'device', 'threads'], 'runs', named.methods[0]!.folder)
  const { evaluateFolders, parseClasses, pictureOfCase } = await cli.load.evaluation()
  const drawn = runs.length > 0 ? await drawRuns(place, named, options) : undefined
  const { methods, references, description, cases, split } = drawn ?? {
    ...named,
    ...options,
    // Without a run the references were told.
    references: named.references!,
    cases: undefined,
  }
  const classes: readonly ClassSpec[] | undefined =
    options.classes === undefined ? undefined : parseClasses(options.classes)
  const { evaluation, plan, jobs } = await evaluateFolders({
    methods,
    references,
    classes,
    metrics: options.metrics ?? [],
    metricOptions: metricOptionsOf(options),
    kind: options.kind,
    resample: options.resample,
    split,
    cases,
    description,
    images: options.images,
    workers: options.workers,
    seed: options.seed,
    reporter,
    signal,
  })
  return {
    evaluation,
    async pictures(names) {
      const pictures: CasePicture[] = []
      for (const name of names) {
        const job = jobs.find(({ entry }) => entry.name === name)
        if (job) pictures.push(await pictureOfCase(plan, job))
      }
      return pictures
    },
    close: () => drawn?.remove(),
    next: (out) => {
      if (runs.length > 0)
        return `septum predict ${shellLine([runs[0]!.folder])} IMAGES --out masks --preview`
      const own = folders.length === 2 && !options.reference ? folders.slice(0, 1) : folders
      return out
        ? `septum evaluate ${shellLine([...own, 'OTHER', '--reference', references])} --out comparison`
        : `septum evaluate ${shellLine([...folders, ...(options.reference ? ['--reference', references] : [])])} --out evaluation`
    },
  }
}

/** `NAME=FOLDER`, or a folder that names its method. */
function methodOf(text: string): MethodFolder {
  const [, name, folder] = /^([^=/\\]+)=(.+)$/.exec(text) ?? []
  return name !== undefined && folder !== undefined && !existsSync(text)
    ? { name, folder }
    : { name: basename(resolve(text)), folder: text }
}

const folderOf = (text: string): string => methodOf(text).folder

/** Where no references are told and runs are compared, they are those of the first run's data set: null. */
function foldersOf(folders: readonly string[], options: EvaluateOptions): NamedFolders {
  const { reference } = options
  const ofRuns = reference === undefined && isComparison(folders, options)
  const predictions = reference === undefined && !ofRuns ? folders.slice(0, -1) : folders
  const references = reference ?? folders.at(-1)!
  const [first] = folders as [string]
  if (predictions.length === 0) {
    throw new SeptumError(
      'usage-no-run',
      existsSync(first) ? 'The folder holds no run: it has no config.yaml' : 'The run does not exist',
      'Give the folder of a run, or two folders: predicted masks and reference masks.',
      { file: first },
    )
  }
  if (reference === undefined && !ofRuns && predictions.length > 1) {
    throw new SeptumError(
      'usage-evaluate',
      'Of several folders nobody can tell which one holds the references',
      `Write septum evaluate ${shellLine(predictions)} --reference ${shellLine([references])}`,
    )
  }
  const methods = predictions.map(methodOf)
  const double = methods.find(({ name }, i) => methods.findIndex((other) => other.name === name) !== i)
  if (double) {
    throw new SeptumError(
      'usage-evaluate',
      `Two methods are called ${double.name}`,
      'Name them: ours=FOLDER other=FOLDER.',
      { file: double.folder },
    )
  }
  return { methods, references: ofRuns ? null : references }
}

/** Refuses options that belong to the other form of the command. */
function refuse(
  options: EvaluateOptions,
  names: readonly (keyof EvaluateOptions)[],
  whose: string,
  file: string,
): void {
  const needless = names.find((name) => options[name] !== undefined)
  if (!needless) return
  throw new SeptumError(
    'usage-evaluate',
    `--${needless} is for ${whose}, ${whose === 'runs' ? 'but this is a folder of masks (no config.yaml)' : 'but this is a run'}`,
    whose === 'runs'
      ? 'Leave it out, or give the folder of a run.'
      : 'Leave it out, or predict into a folder first.',
    { file },
  )
}
