import { type Command, Option } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { wholeNumber, withCommonOptions, withExample } from './shared.js'

export interface ExportOptions extends CommonOptions {
  readonly out?: string
  readonly dataset?: string
  readonly images: number
  readonly precision?: 'fp16' | 'int8'
  readonly ranges?: 'minmax' | 'percentile' | 'entropy'
  readonly calibration?: number
  readonly validation?: number
  readonly licence?: string
  readonly threads?: number
}

export function addExport(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('export')
    .summary('turn a trained run into a model bundle that runs without libtorch')
    .description(
      'Writes ONNX graphs and model.json, after comparing them with the trained model on images of its data set.',
    )
    .argument('<run>', 'folder of a run')
    .option('--out <dir>', 'folder of the bundle (default: model/ in the run)')
    .option('--dataset <dir>', 'where the data set of the run lies now')
    .option('--images <n>', 'images to compare on', wholeNumber(1), 4)
    .addOption(
      new Option('--precision <kind>', 'a smaller bundle, with the measured loss of Dice').choices([
        'fp16',
        'int8',
      ]),
    )
    .addOption(
      new Option(
        '--ranges <rule>',
        'int8: how ranges of activations are chosen (default: percentile)',
      ).choices(['minmax', 'percentile', 'entropy']),
    )
    .option('--calibration <n>', 'int8: training images to calibrate on (default: 32)', wholeNumber(1))
    .option('--validation <n>', 'images to measure the loss of Dice on (default: 32)', wholeNumber(1))
    .option('--licence <name>', 'of the weights, e.g. CC-BY-4.0 (default: that of the run’s configuration)')
    .option('--threads <n>', 'CPU threads of the trained model; 0: one for each core', wholeNumber(0))
  withExample(
    withCommonOptions(command),
    'septum export runs/lesions',
    'septum export runs/lesions --precision int8',
  ).action(async (run: string, options: ExportOptions) => {
    const { exportAction } = await import('../actions/export.js')
    finish(await exportAction(cli, run, options))
  })
}
