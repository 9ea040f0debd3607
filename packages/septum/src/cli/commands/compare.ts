import { type Command, InvalidArgumentError } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { imageSize } from './profile.js'
import { collect, wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface CompareOptions extends CommonOptions {
  readonly out: string
  readonly methods?: readonly string[]
  readonly folds?: number
  readonly seeds?: number
  readonly seed?: number
  readonly steps?: number
  readonly epochs?: number
  readonly size?: readonly number[]
  readonly metrics?: readonly string[]
  readonly samples?: number
  readonly config?: string
  readonly set?: readonly string[]
  readonly device?: string
  readonly threads?: number
}

export function addCompare(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('compare')
    .summary('train and score several methods under one protocol')
    .description(
      'Trains methods on the same splits, at the same input size, with the same budget of steps, scores each on its test cases and writes the table of the papers with published numbers beside. Typed again, the same command goes on where it was stopped: finished runs are kept.',
    )
    .argument('[dataset]', 'folder of the data set; may stand in --config')
    .requiredOption('--out <dir>', 'folder of the comparison; its runs are in runs/')
    .option('--methods <names>', 'methods or variants of --config, separated by commas', names)
    .option('--folds <n>', 'cross-validation: every case is tested once (default: one split)', wholeNumber(2))
    .option('--seeds <n>', 'trainings of each method and fold (default: 1)', wholeNumber(1))
    .option('--seed <n>', 'the first of the seeds; draws folds and splits too (default: 0)', wholeNumber(0))
    .option('--steps <n>', 'optimiser steps of every method', wholeNumber(1))
    .option('--epochs <n>', 'instead: passes over the training cases (default: 50)', wholeNumber(1))
    .option('--size <HxW>', 'what every network sees; images are stretched to it', imageSize)
    .option('--metrics <names>', 'presets and metrics, separated by commas, e.g. polyp', names)
    .option(
      '--samples <n>',
      'masks drawn for each test image by methods that sample (default: 16)',
      wholeNumber(1),
    )
    .option('--config <file>', 'YAML file: shared settings, and those of a method below methods.NAME')
    .option(
      '--set <path=value>',
      'one setting, e.g. options.batchSize=8 or methods.unet.options.lr=0.01; may be repeated',
      collect,
    )
  withExample(
    withCommonOptions(withDeviceOptions(command)),
    'septum compare data/polyps --methods unet,pranet,m2snet --size 352x352 --seeds 3 --metrics polyp --out runs/polyps',
    'septum compare data/busi --methods unet,m2snet --folds 4 --size 256x256 --steps 2000 --metrics ultrasound --out runs/busi',
  ).action(async (dataset: string | undefined, options: CompareOptions) => {
    const { compareAction } = await import('../actions/compare.js')
    finish(await compareAction(cli, dataset, options))
  })
}

function names(text: string): string[] {
  const list = text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  if (list.length === 0) throw new InvalidArgumentError('Names are expected, separated by commas.')
  return list
}
