import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { defaultMetricOptions, type MetricEntry, type MetricOptions, SeptumError } from '@septum/core'
import type { CasePicture, ClassSpec, Evaluation, MethodFolder } from '../../evaluation/index.js'
import { writeWhole } from '../../formats/write.js'
import type { EvaluateOptions } from '../commands/evaluate.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { runCommand, type Workplace } from '../run-command.js'
import { evaluationLines } from './scores.js'

/** Cases that the report shows as pictures. */
const PICTURES = 10

/** What was scored, and how to look at one of its cases. */
interface Scored {
  readonly evaluation: Evaluation
  pictures(names: readonly string[]): Promise<CasePicture[]>
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
      const scored = await (isRun(folders[0]!) ? scoreRun : scoreFolders)(place, folders, options)
      const { evaluation } = scored
      const written = options.out ? await write(place, scored, options.out) : []
      const { plainEvaluation } = await cli.load.evaluation()
      return {
        result: plainEvaluation(evaluation),
        text: [...evaluationLines(evaluation, place), ...written],
        next: scored.next(options.out),
        failed: evaluation.problems.length > 0 || (options.complete === true && incomplete(evaluation)),
      }
    },
  })
}

const isRun = (folder: string): boolean => existsSync(join(folder, 'config.yaml'))

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
  const [run, dataset = options.reference, ...more] = folders as [string, ...string[]]
  if (more.length > 0) {
    throw new SeptumError(
      'usage-evaluate',
      'A run is evaluated alone',
      'To compare methods, write their masks with septum predict RUN --split test --out FOLDER first.',
      { file: run },
    )
  }
  refuse(options, ['classes', 'kind', 'resample', 'complete', 'images', 'workers'], 'folders of masks', run)
  const { split = 'test', samples, seed = 0, device = 'auto', threads = 0, description } = options
  const { chooseMetrics, forDimensions, pictureInMemory, ScoreCollector, scoreInMemory, WorstKept } =
    await cli.load.evaluation()
  const { evaluateRun } = await cli.load.training()
  const metricOptions = { ...defaultMetricOptions, ...metricOptionsOf(options) }
  const method = basename(resolve(run))
  const collector = new ScoreCollector()
  let metrics: readonly MetricEntry[] = []
  let classes: readonly string[] = []
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
    onCase: (item) => {
      if (metrics.length === 0) {
        const [{ samples: drawn, raters }] = item.classes as [(typeof item.classes)[number]]
        const material = {
          samples: drawn.length,
          raters: raters.length,
          kinds: ['labels' as const],
          volumes: false,
        }
        metrics = forDimensions(chooseMetrics(options.metrics ?? [], material), 2)
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
    notes: own.notes.filter((note) => !/^(Two empty|Intervals)/.test(note)),
    seconds: own.seconds,
  })
  return {
    evaluation,
    pictures: async (names) => worst?.pictures(names) ?? [],
    next: () => `septum predict ${shellLine([run])} IMAGES --out masks --preview`,
  }
}

async function scoreFolders(
  { cli, reporter, signal }: Workplace,
  folders: readonly string[],
  options: EvaluateOptions,
): Promise<Scored> {
  const { methods, references } = foldersOf(folders, options)
  refuse(options, ['samples', 'device', 'threads'], 'runs', methods[0]!.folder)
  const { evaluateFolders, parseClasses, pictureOfCase } = await cli.load.evaluation()
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
    split: options.split,
    description: options.description,
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
    next: (out) => {
      const own = folders.length === 2 && !options.reference ? folders.slice(0, 1) : folders
      return out
        ? `septum evaluate ${shellLine([...own, 'OTHER', '--reference', references])} --out comparison`
        : `septum evaluate ${shellLine([...folders, ...(options.reference ? ['--reference', references] : [])])} --out evaluation`
    },
  }
}

function foldersOf(
  folders: readonly string[],
  { reference }: EvaluateOptions,
): { methods: MethodFolder[]; references: string } {
  const predictions = reference === undefined ? folders.slice(0, -1) : folders
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
  if (reference === undefined && predictions.length > 1) {
    throw new SeptumError(
      'usage-evaluate',
      'Of several folders nobody can tell which one holds the references',
      `Write septum evaluate ${shellLine(predictions)} --reference ${shellLine([references])}`,
    )
  }
  const methods = predictions.map((text): MethodFolder => {
    const [, name, folder] = /^([^=/\\]+)=(.+)$/.exec(text) ?? []
    return name !== undefined && folder !== undefined && !existsSync(text)
      ? { name, folder }
      : { name: basename(resolve(text)), folder: text }
  })
  const run = methods.slice(1).find(({ folder }) => isRun(folder))
  if (run) {
    throw new SeptumError(
      'usage-evaluate',
      'A run is evaluated alone',
      'To compare it, write its masks with septum predict RUN --split test --out FOLDER first.',
      { file: run.folder },
    )
  }
  const double = methods.find(({ name }, i) => methods.findIndex((other) => other.name === name) !== i)
  if (double) {
    throw new SeptumError(
      'usage-evaluate',
      `Two methods are called ${double.name}`,
      'Name them: ours=FOLDER other=FOLDER.',
      { file: double.folder },
    )
  }
  return { methods, references }
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
