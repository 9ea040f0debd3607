import type { Command } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { wholeNumber, withCommonOptions, withExample } from './shared.js'

export interface ExportOptions extends CommonOptions {
  readonly out?: string
  readonly dataset?: string
  readonly images: number
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
    .option('--threads <n>', 'CPU threads of the trained model; 0: one for each core', wholeNumber(0))
  withExample(withCommonOptions(command), 'septum export runs/lesions').action(
    async (run: string, options: ExportOptions) => {
      const { exportAction } = await import('../actions/export.js')
      finish(await exportAction(cli, run, options))
    },
  )
}
