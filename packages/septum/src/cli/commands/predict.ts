import { type Command, Option } from 'commander'
import type { SplitName } from '../../training/api.js'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface PredictOptions extends CommonOptions {
  readonly out: string
  readonly samples?: number
  readonly seed: number
  readonly split?: SplitName
  readonly preview?: boolean
  readonly device?: string
  readonly threads?: number
}

export function addPredict(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('predict')
    .summary('segment images with a trained run')
    .description('Writes masks, probability maps and samples for images, with the best weights of a run.')
    .argument('<run>', 'folder of a run')
    .argument('[inputs...]', 'image files and folders')
    .requiredOption('--out <dir>', 'folder for the masks')
    .option(
      '--samples <n>',
      'masks drawn for each image by a method that samples (default: 16)',
      wholeNumber(1),
    )
    .option('--seed <n>', 'seed of the samples', wholeNumber(0), 0)
    .addOption(splitOption('take the images of this part of the data set that the run was trained on'))
    .option('--preview', 'write a picture for each image too: contours, samples, uncertainty')
  withExample(
    withCommonOptions(withDeviceOptions(command)),
    'septum predict runs/lesions scans/ --out masks/ --samples 16 --preview',
  ).action(async (runFolder: string, inputs: string[], options: PredictOptions) => {
    const { predictAction } = await import('../actions/predict.js')
    finish(await predictAction(cli, runFolder, inputs, options))
  })
}

export const splitOption = (text: string): Option =>
  new Option('--split <part>', text).choices(['train', 'val', 'test'])
