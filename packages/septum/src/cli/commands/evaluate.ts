import type { Command } from 'commander'
import type { SplitName } from '../../training/api.js'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { splitOption } from './predict.js'
import { wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface EvaluateOptions extends CommonOptions {
  readonly split?: SplitName
  readonly samples?: number
  readonly seed?: number
  readonly out?: string
  readonly device?: string
  readonly threads?: number
}

export function addEvaluate(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('evaluate')
    .summary('score a run or a folder of masks')
    .description(
      'Draws and scores masks of a run on the test part of its data set (or of another one), or scores a folder of masks against reference masks. Intervals are 95 % bootstrap intervals over patients.',
    )
    .usage('[options] <run> [dataset]\n       septum evaluate [options] <predictions> <references>')
    .argument('<run|predictions>', 'folder of a run, or of predicted masks')
    .argument('[dataset|references]', 'data set, or folder of reference masks')
    .addOption(splitOption('part of the data set that a run is scored on (default: test)'))
    .option(
      '--samples <n>',
      'masks drawn for each image by a method that samples (default: 16)',
      wholeNumber(1),
    )
    .option('--seed <n>', 'seed of the samples (default: 0)', wholeNumber(0))
    .option('--out <file.csv>', 'write the scores of each case to a table')
  withExample(
    withCommonOptions(withDeviceOptions(command)),
    'septum evaluate runs/lesions --split test --samples 16',
    'septum evaluate masks/ labels/ --out scores.csv',
  ).action(async (first: string, second: string | undefined, options: EvaluateOptions) => {
    const { evaluateAction } = await import('../actions/evaluate.js')
    finish(await evaluateAction(cli, first, second, options))
  })
}
