import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Reporter, SeptumError } from '@septum/core'
import type { MethodCard, RunConfig, TrainOutcome } from '../../training/api.js'
import type { TrainOptions } from '../commands/train.js'
import {
  type ConfigSource,
  type ConfigSources,
  checkResumed,
  type FlagValue,
  otherRun,
  parseRunConfig,
  renderConfig,
  requestedMethod,
  resolveConfig,
  shellLine,
} from '../config/index.js'
import type { Cli } from '../context.js'
import { formatDuration, formatNumber } from '../reporter/format.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { formatTable } from '../table.js'
import { type BundleOutcome, bundleAfterTraining } from './bundle-after-training.js'

/** @returns the exit code. */
export function trainAction(cli: Cli, datasets: readonly string[], options: TrainOptions): Promise<number> {
  return runCommand(cli, {
    name: 'train',
    options,
    traceFolder: options.out,
    onInterrupt: 'saving a checkpoint, then stopping.',
    async work(place) {
      const { config, earlier } = await prepare(place, datasets, options)
      const { train } = await cli.load.training()
      const result = await train({
        config,
        configText: renderConfig(config, cli.version, ['septum', ...cli.argv]),
        out: options.out,
        resume: earlier,
        reporter: place.reporter,
        signal: place.signal,
      })
      const bundle =
        options.export === false || result.interrupted
          ? undefined
          : await bundleAfterTraining(result.run, config, place)
      return describe(result, place, bundle)
    },
  })
}

/** The configuration of the run, and whether it goes on from an earlier one. */
async function prepare({ cli, reporter }: Workplace, datasets: readonly string[], options: TrainOptions) {
  const stored = readRunFile(options.out)
  if (stored && !options.resume) {
    throw new SeptumError(
      'usage-run-exists',
      'The folder already holds a run',
      'Add --resume to go on with it, or give another --out.',
      { file: options.out },
    )
  }
  const methods = await cli.load.methods()
  const files = options.config ? [readConfigFile(options.config)] : []
  const asked: ConfigSources = { files, assignments: options.set ?? [], flags: flagValues(datasets, options) }
  if (stored) return { config: resumedConfig(stored, asked, methods, reporter), earlier: true }
  if (options.resume) reporter.info(`There is no run in ${options.out} yet: starting one.`)
  return { config: resolveConfig(asked, methods).config, earlier: false }
}

/** What the run was started with, under what is asked for now. */
function resumedConfig(
  stored: ConfigSource,
  asked: ConfigSources,
  methods: readonly MethodCard[],
  reporter: Reporter,
): RunConfig {
  const before = parseRunConfig(stored, methods)
  const method = requestedMethod(asked)
  // Options of two methods cannot be laid over each other: this is refused before they would be.
  if (method !== undefined && method !== before.method) {
    throw otherRun('method', before.method, method, stored.file)
  }
  const { config } = resolveConfig({ ...asked, files: [stored, ...asked.files] }, methods)
  for (const text of checkResumed(before, config, stored.file)) reporter.warn(text)
  return config
}

function readRunFile(out: string): ConfigSource | undefined {
  const file = join(out, 'config.yaml')
  return existsSync(file) ? { file, text: readFileSync(file, 'utf8') } : undefined
}

function readConfigFile(file: string): ConfigSource {
  try {
    return { file, text: readFileSync(file, 'utf8') }
  } catch (cause) {
    const hint = 'Check the path after --config.'
    throw new SeptumError('config-file', 'The configuration file cannot be read', hint, { file }, { cause })
  }
}

function flagValues([dataset, ...more]: readonly string[], options: TrainOptions): FlagValue[] {
  const { method, seed, device, threads } = options
  return [
    // Absolute, so that a run can be resumed from any folder.
    { path: ['data', 'path'], value: dataset && resolve(dataset), flag: dataset ?? '' },
    {
      path: ['data', 'more'],
      value: more.length > 0 ? more.map((folder) => ({ path: resolve(folder) })) : undefined,
      flag: more.join(' '),
    },
    { path: ['method'], value: method, flag: `--method ${method}` },
    { path: ['seed'], value: seed, flag: `--seed ${seed}` },
    { path: ['device'], value: device, flag: `--device ${device}` },
    { path: ['threads'], value: threads, flag: `--threads ${threads}` },
  ].filter(({ value }) => value !== undefined)
}

function describe(
  result: TrainOutcome,
  { paint, columns, signal }: Workplace,
  after: BundleOutcome | undefined,
): Outcome {
  const heads = [
    { title: 'phase' },
    { title: 'steps', align: 'right' },
    { title: 'time', align: 'right' },
    { title: 'best score', align: 'right' },
    { title: 'at step', align: 'right' },
    { title: 'validation', wrap: true },
  ] as const
  const rows = result.phases.map(({ name, steps, seconds, bestScore, bestStep, metrics }) => [
    name,
    String(steps),
    formatDuration(seconds),
    bestScore === null ? '-' : formatNumber(bestScore),
    bestStep === null ? '-' : String(bestStep),
    Object.entries(metrics)
      .map(([key, value]) => `${key} ${formatNumber(value)}`)
      .join(', '),
  ])
  const waited = `${(result.dataWait * 100).toFixed(1)} % of the step time went into waiting for data.`
  const run = shellLine([result.run])
  return {
    result: { ...result, ...(after ? { bundle: after.bundle } : {}) },
    interrupted: result.interrupted || (after?.bundle === null && signal.aborted),
    text: [
      ...(rows.length ? formatTable(heads, rows, { columns, paint }) : []),
      result.interrupted
        ? `Stopped and saved after step ${result.steps} of ${result.totalSteps} in ${result.run}.`
        : `Trained ${result.steps} steps in ${formatDuration(result.seconds)}, saved in ${result.run}. ${waited}`,
      ...(after?.text ?? []),
    ],
    next: result.interrupted
      ? `septum train --resume --out ${run}`
      : `septum evaluate ${run} --split ${result.testCases > 0 ? 'test' : 'val'}`,
  }
}
