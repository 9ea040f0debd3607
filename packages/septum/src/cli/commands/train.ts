import type { Command } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { collect, wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface TrainOptions extends CommonOptions {
  readonly out: string
  readonly method?: string
  readonly config?: string
  readonly set?: readonly string[]
  readonly resume?: boolean
  readonly export?: boolean
  readonly seed?: number
  readonly device?: string
  readonly threads?: number
}

export function addTrain(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('train')
    .summary('train a model on a data set')
    .description('Trains a model on a folder with images/ and masks/ and keeps all of it in a run folder.')
    .argument(
      '[datasets...]',
      'folder of the data set; several train one network on all of them; may stand in --config',
    )
    .requiredOption('--out <dir>', 'folder of the run')
    .option('--method <name>', 'what to train; septum methods lists the names')
    .option('--config <file>', 'YAML file of settings')
    .option('--set <path=value>', 'one setting, e.g. options.steps=2000; may be repeated', collect)
    .option('--resume', 'go on with the run in --out')
    .option('--no-export', 'write no model bundle at the end')
    .option('--seed <n>', 'seed of every random draw', wholeNumber(0))
  withExample(
    withCommonOptions(withDeviceOptions(command)),
    'septum train --config examples/lidc/ar-seg.yaml --out runs/first',
    'septum train data/lesions --method unet --out runs/lesions --set options.steps=2000',
    'septum train data/polyps data/busi data/lungs --method m2snet --out runs/all --set data.imageSize=[352,352] --set data.resize=stretch',
    'septum train --resume --out runs/lesions',
  ).action(async (datasets: string[], options: TrainOptions) => {
    const { trainAction } = await import('../actions/train.js')
    finish(await trainAction(cli, datasets, options))
  })
}
