import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import { writeWhole } from '../../formats/index.js'
import {
  type CurvePanel,
  type Estimate,
  type Metric,
  renderHypothesesFigure,
  renderReportPage,
  svgToPng,
} from '../../report/index.js'
import type { EvaluateResult, PredictedCase, RunSummary } from '../../training/api.js'
import type { ReportOptions } from '../commands/report.js'
import { shellLine } from '../config/index.js'
import type { Cli } from '../context.js'
import { formatDuration } from '../reporter/format.js'
import { runCommand, type Workplace } from '../run-command.js'
import { type Column, formatTable } from '../table.js'
import { figureCase } from './figure.js'
import { requireRun } from './predict.js'
import { formatScore } from './scores.js'

/** Metrics of the table, with a line for readers who do not know them. */
const explained: Readonly<Record<string, string>> = {
  ged: 'squared generalised energy distance between the samples and the raters; 0 is perfect',
  hmIou: 'mean IoU of samples and raters matched one to one',
  softDice: 'Dice of the mean masks over five thresholds',
  dMax: 'for each rater the best sample, mean Dice',
  consensusDice: 'Dice of the fused mask against the raters’ majority',
}

interface Scored {
  readonly run: string
  readonly method: string
  readonly summary: RunSummary
  readonly result: EvaluateResult
}

/** @returns the exit code. */
export function reportAction(cli: Cli, runs: readonly string[], options: ReportOptions): Promise<number> {
  return runCommand(cli, {
    name: 'report',
    options,
    onInterrupt: 'stopping after this case.',
    work: (place) => write(place, runs, options),
  })
}

/** Disputed, clear and small cases mixed: spread over the cases by how much the raters agree. */
function choose(cases: readonly PredictedCase[], count: number): PredictedCase[] {
  const marked = cases.filter((item) =>
    item.classes.some((one) => one.raters.some((mask) => mask.some(Boolean))),
  )
  const agreement = (item: PredictedCase) => item.classes[0]!.scores.raterDiversity ?? 0
  const sorted = [...(marked.length > 0 ? marked : cases)].sort((a, b) => agreement(a) - agreement(b))
  const wanted = Math.min(count, sorted.length)
  return Array.from(
    { length: wanted },
    (_, i) => sorted[Math.round(((i + 0.5) * sorted.length) / wanted - 0.5)]!,
  )
}

async function write(place: Workplace, runs: readonly string[], options: ReportOptions) {
  const { cli, reporter, signal, columns, paint } = place
  const start = performance.now()
  for (const run of runs) requireRun(run)
  const { evaluateRun, readSummary } = await cli.load.training()
  const { split = 'test', samples = 16, seed = 0, device = 'auto', threads = 0 } = options
  const scored: Scored[] = []
  let shown: PredictedCase[] = []
  for (const run of runs) {
    const kept: PredictedCase[] = []
    const result = await evaluateRun({
      run,
      split,
      samples,
      seed,
      device,
      threads,
      reporter,
      signal,
      onCase: (item) => {
        kept.push(item)
      },
    })
    // The figure belongs to the first run that has hypotheses to show.
    if (shown.length === 0 || (shown[0]!.classes[0]!.samples.length < 2 && result.samples > 1))
      shown = choose(kept, options.cases ?? 4)
    scored.push({ run, method: result.title.split(',')[0]!, summary: readSummary(run), result })
  }
  const first = scored[0]!
  if (
    scored.some(
      ({ result }) => result.splitHash !== first.result.splitHash || result.cases !== first.result.cases,
    )
  ) {
    throw new SeptumError(
      'report-mixed',
      'The runs were not trained on the same division of the same data',
      'Report runs of one data set and split together.',
    )
  }
  const figure = { cases: shown.map((item) => figureCase(item)), title: options.title ?? first.result.title }
  const svg = await renderHypothesesFigure(figure)
  mkdirSync(options.out, { recursive: true })
  const png = join(options.out, 'report.png')
  const html = join(options.out, 'report.html')
  await writeWhole(png, svgToPng(svg, { scale: 2 }))
  const next = options.next ?? `septum predict ${shellLine([scored[0]!.run])} IMAGES --out masks --preview`
  await writeWhole(
    html,
    await renderReportPage(await page(scored, figure, options, next, (performance.now() - start) / 1000)),
  )
  return {
    result: { page: html, picture: png, runs: scored.map(({ run, result }) => ({ run, ...result })) },
    text: [...table(scored, columns, paint), '', `Picture: ${png}`, `Page:    ${html}`],
    next,
  }
}

function metricsOf(scored: readonly Scored[]): string[] {
  return scored[0]!.result.rows
    .filter((row) => row.class === null && row.metric in explained)
    .map((row) => row.metric)
}

function table(scored: readonly Scored[], columns: number, paint: Workplace['paint']): string[] {
  const metrics = metricsOf(scored)
  const labels = metrics.map((metric) => scored[0]!.result.rows.find((row) => row.metric === metric)!)
  const heads: Column[] = [
    { title: '' },
    ...scored.map(({ method, run }) => ({
      title: scored.filter((s) => s.method === method).length > 1 ? run : method,
    })),
  ]
  const rows = labels.map((row) => [
    `${row.label} ${row.better === 'lower' ? '↓' : '↑'}`,
    ...scored.map(({ result }) =>
      formatScore(result.rows.find((one) => one.metric === row.metric && one.class === null)!),
    ),
  ])
  rows.push(['parameters', ...scored.map(({ summary }) => summary.parameters.toLocaleString('en'))])
  rows.push(['training', ...scored.map(({ summary }) => formatDuration(summary.seconds))])
  rows.push(['masks an image', ...scored.map(({ result }) => String(result.samples))])
  const { cases, patients, raters } = scored[0]!.result
  return [
    '',
    ...formatTable(heads, rows, { columns, paint }),
    '',
    paint(
      'dim',
      `${cases} unseen cases of ${patients} patients, ${raters} raters. [ ]: 95 % bootstrap interval over patients.`,
    ),
  ]
}

/** Loss and validation curves out of a run's log. */
function curves({ run, method }: Scored): CurvePanel[] {
  const file = join(run, 'log.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const phases = [...new Set(lines.map((line) => line.phase as string))]
  return phases.map((phase) => {
    const steps = lines.filter((line) => line.phase === phase && line.event === 'step') as {
      phaseStep: number
      losses: Record<string, number>
    }[]
    return {
      title: phase === method ? `${method}: loss` : `${method}, ${phase}: loss`,
      xLabel: 'step',
      smooth: Math.max(1, Math.round(steps.length / 20)),
      curves: [
        {
          name: 'training',
          x: steps.map((line) => line.phaseStep),
          y: steps.map((line) => line.losses.total!),
        },
      ],
    }
  })
}

async function page(
  scored: readonly Scored[],
  figure: Parameters<typeof renderHypothesesFigure>[0],
  options: ReportOptions,
  next: string,
  seconds: number,
) {
  const { result } = scored[0]!
  const metrics = metricsOf(scored)
  const { dataset } = result
  const values = (rows: EvaluateResult['rows']) =>
    Object.fromEntries(
      metrics.map((metric): [string, Estimate] => {
        const row = rows.find((one) => one.metric === metric && one.class === null)!
        return [
          row.label,
          { mean: row.mean, low: row.interval?.[0] ?? row.mean, high: row.interval?.[1] ?? row.mean },
        ]
      }),
    )
  const trained = scored.reduce((sum, { summary }) => sum + summary.seconds, 0)
  return {
    title: options.title ?? 'Segmentation report',
    lead: `${scored.map(({ method }) => method).join(' and ')} on ${result.cases} unseen cases of ${result.patients} patients, each marked by ${result.raters} raters, after ${formatDuration(trained)} of training.`,
    dataset: {
      name: dataset.name,
      licence: dataset.licence ?? 'not stated',
      citation: dataset.citation.join('; ') || 'not stated',
      url: dataset.source,
    },
    split: `by patient; ${result.cases} ${options.split ?? 'test'} cases of ${result.patients} patients; split ${result.splitHash?.slice(0, 12) ?? 'none'}`,
    seeds: [...new Set(scored.map(({ summary }) => summary.seed))],
    methods: scored.map(({ method, summary }) => ({
      name: method,
      parameters: summary.parameters,
      seconds: summary.seconds,
    })),
    machine: `${cpus()[0]?.model.trim() ?? 'unknown CPU'}, ${availableParallelism()} threads`,
    seconds: seconds + trained,
    results: {
      caption: `Mean over ${result.cases} cases with 95 % bootstrap intervals over patients`,
      metrics: metrics.map((metric): Metric => {
        const row = result.rows.find((one) => one.metric === metric)!
        return { name: row.label, better: row.better ?? 'higher', explanation: explained[metric] }
      }),
      rows: scored.map(({ method, result: own }) => ({
        name: `${method}, ${own.samples === 1 ? 'one mask' : `${own.samples} masks`}`,
        values: values(own.rows),
      })),
    },
    figure,
    curves: { panels: scored.flatMap(curves) },
    settings: scored.map(({ run }) => readFileSync(join(run, 'config.yaml'), 'utf8')).join('\n'),
    notes: [
      ...result.notes,
      'Raters disagree: where one of four marked nothing, an empty mask is a right answer too. Published numbers come from other crops, splits and far longer training; they cannot be compared with these.',
    ],
    next: { command: next, explanation: 'segments your own images with the trained model' },
  }
}
