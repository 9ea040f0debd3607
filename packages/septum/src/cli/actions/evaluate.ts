import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import type { EvaluateResult } from '../../training/api.js'
import type { EvaluateOptions } from '../commands/evaluate.js'
import { shellLine } from '../config/render.js'
import type { Cli } from '../context.js'
import { runCommand, type Workplace } from '../run-command.js'
import { caseTable, scoreLines } from './scores.js'

/** Two forms, told apart by what the first folder is. @returns the exit code. */
export function evaluateAction(
  cli: Cli,
  first: string,
  second: string | undefined,
  options: EvaluateOptions,
): Promise<number> {
  return runCommand(cli, {
    name: 'evaluate',
    options,
    onInterrupt: 'stopping after this case.',
    async work(place) {
      const isRun = existsSync(join(first, 'config.yaml'))
      const result = await (isRun ? scoreRun : scoreFolders)(place, first, second, options)
      if (options.out) writeFileSync(options.out, caseTable(result))
      const written = options.out ? [`Scores of each case are in ${options.out}.`] : []
      return {
        result,
        text: [...scoreLines(result, place), ...written],
        next: nextStep(isRun, first, second),
      }
    },
  })
}

async function scoreRun(
  { cli, reporter, signal }: Workplace,
  run: string,
  dataset: string | undefined,
  { split = 'test', samples, seed = 0, device = 'auto', threads = 0 }: EvaluateOptions,
): Promise<EvaluateResult> {
  const { evaluateRun } = await cli.load.training()
  return evaluateRun({ run, dataset, split, samples, seed, device, threads, reporter, signal })
}

async function scoreFolders(
  { cli, reporter, signal }: Workplace,
  predictions: string,
  references: string | undefined,
  options: EvaluateOptions,
): Promise<EvaluateResult> {
  if (references === undefined) {
    throw new SeptumError(
      'usage-no-run',
      existsSync(predictions) ? 'The folder holds no run: it has no config.yaml' : 'The run does not exist',
      'Give the folder of a run, or two folders: predicted masks and reference masks.',
      { file: predictions },
    )
  }
  const needless = (['split', 'samples', 'seed', 'device', 'threads'] as const).find(
    (name) => options[name] !== undefined,
  )
  if (needless) {
    throw new SeptumError(
      'usage-evaluate',
      `--${needless} is for runs, but this is a folder of masks (no config.yaml)`,
      'Leave it out, or give the folder of a run.',
      { file: predictions },
    )
  }
  const { evaluateFolders } = await cli.load.training()
  return evaluateFolders({ predictions, references, reporter, signal })
}

function nextStep(isRun: boolean, first: string, second: string | undefined): string {
  return isRun
    ? `septum predict ${shellLine([first])} IMAGES --out masks --preview`
    : `septum evaluate ${shellLine([first, second ?? ''])} --out scores.csv`
}
