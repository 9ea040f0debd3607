import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { manifestFile, SeptumError } from '@septum/core'
import type { PredictedCase } from '../../training/api.js'
import type { PredictOptions } from '../commands/predict.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { formatDuration } from '../reporter/format.js'
import { runCommand } from '../run-command.js'

/**
 * A bundle is run by ONNX Runtime; a run by libtorch, or with `--engine onnx` by the bundle in its `model/`.
 * @returns the exit code.
 */
export async function predictAction(
  cli: Cli,
  folder: string,
  inputs: readonly string[],
  options: PredictOptions,
): Promise<number> {
  const bundle = bundleOf(folder, options.engine)
  if (!bundle) return predictRunAction(cli, folder, inputs, options)
  const { predictBundleAction } = await import('./predict-bundle.js')
  return predictBundleAction(cli, bundle, inputs, options)
}

/** The folder with `model.json` that is meant; undefined for a run that libtorch is to run. */
function bundleOf(folder: string, engine: PredictOptions['engine']): string | undefined {
  if (engine === 'torch') return undefined
  const own = existsSync(join(folder, manifestFile))
  // Of a run only when asked for: with --split and a GPU it does more with libtorch.
  const inside = engine === 'onnx' ? join(folder, 'model') : undefined
  return own ? folder : inside
}

function predictRunAction(
  cli: Cli,
  run: string,
  inputs: readonly string[],
  options: PredictOptions,
): Promise<number> {
  const { split, out, samples, seed, preview = false, device = 'auto', threads = 0 } = options
  return runCommand(cli, {
    name: 'predict',
    options,
    onInterrupt: 'stopping after this image.',
    async work({ reporter, signal }) {
      checkInputs(inputs, split)
      requireRun(run)
      checkBundleOptions(options)
      const { predictRun } = await cli.load.training()
      const onCase = preview
        ? async (item: PredictedCase) => (await import('./figure.js')).writePreview(out, item)
        : undefined
      const request = { run, inputs, split, out, samples, seed, onCase, device, threads, reporter, signal }
      const result = await predictRun(request)
      const each = result.samples ? ` with ${result.samples} samples each` : ''
      const pace = result.cases ? `, ${(result.seconds / result.cases).toFixed(2)} s an image` : ''
      const images = result.cases === 1 ? '1 image' : `${result.cases} images`
      return {
        result,
        text: [
          `Segmented ${images}${each} in ${formatDuration(result.seconds)}${pace}: ${result.files} files in ${result.out}.`,
        ],
        next: split
          ? `septum evaluate ${shellLine([run])} --split ${split}`
          : `septum evaluate ${shellLine([result.out])} REFERENCES`,
      }
    },
  })
}

/** Options that only a bundle has must not be passed over in silence. */
function checkBundleOptions(options: PredictOptions): void {
  const names = {
    ensemble: '--ensemble',
    format: '--format',
    maps: '--maps',
    overlap: '--overlap',
    window: '--window',
    flips: '--flips',
    keepLargest: '--keep-largest',
    leastSize: '--least-size',
    batch: '--batch',
    shard: '--shard',
    overwrite: '--overwrite',
  } as const
  const given = Object.entries(names).find(([key]) => options[key as keyof typeof names] !== undefined)
  if (!given) return
  throw new SeptumError(
    'usage-engine',
    `${given[1]} is an option for bundles, and this is a run`,
    'Export the run (septum export) and add --engine onnx, or leave the option out.',
  )
}

function checkInputs(inputs: readonly string[], split: string | undefined): void {
  if (!inputs.length === (split !== undefined)) return
  throw inputs.length
    ? new SeptumError('usage-inputs', 'Both images and --split are given', 'Leave one of them out.')
    : new SeptumError(
        'usage-inputs',
        'No image is given',
        'Name image files or folders after the run, or add --split test.',
      )
}

/** @throws SeptumError `usage-no-run`. */
export function requireRun(run: string): void {
  if (existsSync(join(run, 'config.yaml'))) return
  throw new SeptumError(
    'usage-no-run',
    existsSync(run) ? 'The folder holds no run: it has no config.yaml' : 'The run does not exist',
    'Give the folder that septum train --out wrote, or a bundle (a folder with model.json).',
    { file: run },
  )
}
