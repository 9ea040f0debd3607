import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import type { PredictedCase } from '../../training/api.js'
import type { PredictOptions } from '../commands/predict.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { formatDuration } from '../reporter/format.js'
import { runCommand } from '../run-command.js'

/** @returns the exit code. */
export function predictAction(
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
    'Give the folder that septum train --out wrote.',
    { file: run },
  )
}
