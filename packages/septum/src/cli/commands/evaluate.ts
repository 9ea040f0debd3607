import { type Command, InvalidArgumentError, Option } from 'commander'
import type { PredictionKind } from '../../evaluation/types.js'
import type { SplitName } from '../../training/api.js'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { splitOption } from './predict.js'
import { wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface EvaluateOptions extends CommonOptions {
  readonly reference?: string
  readonly metrics?: readonly string[]
  readonly classes?: string
  readonly kind?: PredictionKind
  readonly resample?: boolean
  readonly complete?: boolean
  readonly split?: SplitName
  readonly description?: string
  readonly images?: string
  readonly out?: string
  readonly tolerance?: number
  readonly threshold?: number
  readonly workers?: number
  readonly samples?: number
  readonly seed?: number
  readonly device?: string
  readonly threads?: number
}

export function addEvaluate(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('evaluate')
    .summary('score predicted masks, or a run')
    .description(
      'Scores folders of predicted masks against reference masks, or draws and scores masks of a run on the test part of its data set. Cases are paired by name, whatever the format. Intervals are 95 % bootstrap intervals over patients.',
    )
    .usage(
      '[options] <predictions> <references>\n       septum evaluate [options] <predictions...> --reference <references>\n       septum evaluate [options] <run> [dataset]',
    )
    .argument(
      '<run|predictions...>',
      'folders of predicted masks (NAME=FOLDER names a method), or the folder of a run',
    )
    .option('--reference <folder>', 'data set or folder of masks to compare with; needed for several methods')
    .option('--metrics <names>', 'presets and metrics, separated by commas, e.g. polyp,hd95', names)
    .option('--classes <list>', 'classes and regions by label value: liver=1,tumour=2,whole=1+2')
    .addOption(
      new Option('--kind <kind>', 'what prediction files hold (default: told by their values)').choices([
        'auto',
        'labels',
        'probabilities',
        'instances',
      ]),
    )
    .option('--resample', 'bring predictions of another grid onto that of their reference')
    .option('--complete', 'fail when a reference has no prediction')
    .addOption(splitOption('part of the data set to score (default: test for a run, else all)'))
    .option('--description <file>', 'dataset.yaml of a data set that has none of its own')
    .option('--images <folder>', 'images for the pictures of the report (default: those of the data set)')
    .option('--out <folder>', 'write report.html, results.json, tables and scores; a .csv file: scores only')
    .option('--tolerance <mm>', 'of the surface Dice (default: 1)', positive)
    .option('--threshold <p>', 'a probability above it is marked (default: 0.5)', positive)
    .option('--workers <n>', 'threads over cases; 0: as many as pay', wholeNumber(0))
    .option('--samples <n>', 'of a run: masks drawn for each image (default: 16)', wholeNumber(1))
    .option('--seed <n>', 'of the samples and of the bootstrap (default: 0)', wholeNumber(0))
  withExample(
    withCommonOptions(withDeviceOptions(command)),
    'septum evaluate masks/ labels/ --metrics surface --out evaluation',
    'septum evaluate ours=masks/ other/ --reference data/polyps --metrics polyp --out comparison',
    'septum evaluate runs/lesions --split test --samples 16',
  ).action(async (folders: string[], options: EvaluateOptions) => {
    const { evaluateAction } = await import('../actions/evaluate.js')
    finish(await evaluateAction(cli, folders, options))
  })
}

const names = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)

function positive(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new InvalidArgumentError('A number of at least 0 is expected.')
  }
  return value
}
