import { type Command, InvalidArgumentError, Option } from 'commander'
import type { SplitName } from '../../training/api.js'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { collect, share, wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface PredictOptions extends CommonOptions {
  readonly out: string
  readonly samples?: number
  readonly seed: number
  readonly split?: SplitName
  readonly preview?: boolean
  readonly device?: string
  readonly threads?: number
  readonly engine?: 'onnx' | 'torch'
  readonly ensemble?: readonly string[]
  readonly overlap?: number
  readonly window?: 'trained' | 'centre' | 'whole' | readonly number[]
  readonly flips?: boolean
  readonly format?: 'png' | 'nifti' | 'seg'
  readonly maps?: boolean
  readonly keepLargest?: boolean | string
  readonly leastSize?: readonly string[]
  readonly batch?: number
  readonly shard?: Shard
  readonly overwrite?: boolean
}

export interface Shard {
  readonly index: number
  readonly count: number
}

export function addPredict(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('predict')
    .summary('segment images with a model bundle or a trained run')
    .description(
      'Writes masks, probability maps and samples for images: pictures, volumes, DICOM series. A bundle runs without libtorch.',
    )
    .argument('<model>', 'folder of a bundle (septum export) or of a run')
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
    .addOption(
      new Option(
        '--engine <name>',
        'what runs the model; default: onnx for a bundle, torch for a run',
      ).choices(['onnx', 'torch']),
    )
  withDeviceOptions(command)
  command.optionsGroup('With a bundle:')
  command
    .option(
      '--ensemble <dir>',
      'another bundle whose probabilities are averaged in; may be repeated',
      collect,
    )
    .addOption(
      new Option('--format <name>', 'of the masks; default: what fits the image').choices([
        'png',
        'nifti',
        'seg',
      ]),
    )
    .option('--maps', 'write probability and uncertainty of volumes too')
    .option('--no-maps', 'write masks only')
    .option('--overlap <share>', 'of sliding windows (default: 0.5)', share)
    .option(
      '--window <size>',
      'trained (sliding), centre, whole, or a size such as 256x256 (default: as the model was trained)',
      parseWindow,
    )
    .option('--flips', 'average over mirror images, 2 to the number of axes times the work')
    .option('--keep-largest [classes]', 'keep only the largest component of each class, or of a,b')
    .option(
      '--least-size <n>',
      'remove smaller components: 20 (pixels or voxels), 30mm (mm² or mm³), class=20; may be repeated',
      collect,
    )
    .option('--batch <n>', 'windows run together (default: as memory allows)', wholeNumber(1))
    .option('--shard <i/n>', 'part i of n, for job arrays', parseShard)
    .option('--overwrite', 'segment finished images again')
  withExample(
    withCommonOptions(command.optionsGroup('Options:')),
    'septum predict runs/lesions/model scans/ --out masks/ --preview',
    'septum predict fold0/model ct/ --ensemble fold1/model --out masks/ --keep-largest --shard 3/8',
  ).action(async (folder: string, inputs: string[], options: PredictOptions) => {
    const { predictAction } = await import('../actions/predict.js')
    finish(await predictAction(cli, folder, inputs, options))
  })
}

export const splitOption = (text: string): Option =>
  new Option('--split <part>', text).choices(['train', 'val', 'test'])

function parseWindow(text: string): 'trained' | 'centre' | 'whole' | number[] {
  if (text === 'trained' || text === 'centre' || text === 'whole') return text
  if (!/^[1-9]\d*(x[1-9]\d*){1,2}$/.test(text)) {
    throw new InvalidArgumentError(
      'Expected is trained, centre, whole or a size such as 256x256 or 64x128x128.',
    )
  }
  return text.split('x').map(Number)
}

function parseShard(text: string): Shard {
  const [index, count] = text.split('/').map(Number)
  const whole = /^\d+\/\d+$/.test(text) && index! >= 1 && index! <= count!
  if (!whole) throw new InvalidArgumentError('Expected is i/n with i from 1 to n, e.g. 3/8.')
  return { index: index!, count: count! }
}
