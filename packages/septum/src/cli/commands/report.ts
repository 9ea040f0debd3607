import type { Command } from 'commander'
import type { SplitName } from '../../training/api.js'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { splitOption } from './predict.js'
import { wholeNumber, withCommonOptions, withDeviceOptions, withExample } from './shared.js'

export interface ReportOptions extends CommonOptions {
  readonly out: string
  readonly split?: SplitName
  readonly samples?: number
  readonly seed?: number
  readonly cases?: number
  readonly title?: string
  readonly next?: string
  readonly device?: string
  readonly threads?: number
}

export function addReport(program: Command, cli: Cli, finish: Finish): void {
  const command = program
    .command('report')
    .summary('compare runs on the same cases, as a page and a picture')
    .description(
      'Draws and scores masks of one or several runs on the same part of their data set and writes report.html and report.png: a table with intervals, the hypotheses of some cases from coarse to fine, training curves and all settings.',
    )
    .argument('<runs...>', 'folders of runs that were trained on one data set')
    .requiredOption('--out <folder>', 'folder for report.html and report.png')
    .addOption(splitOption('part of the data set to score (default: test)'))
    .option('--samples <n>', 'masks drawn for each image (default: 16)', wholeNumber(1))
    .option('--seed <n>', 'seed of the samples (default: 0)', wholeNumber(0))
    .option('--cases <n>', 'cases shown in the figure (default: 4)', wholeNumber(1))
    .option('--title <text>', 'title of the page')
    .option('--next <command>', 'command to name as the next step')
  withExample(
    withCommonOptions(withDeviceOptions(command)),
    'septum report runs/ar-seg runs/unet --out report',
  ).action(async (runs: string[], options: ReportOptions) => {
    const { reportAction } = await import('../actions/report.js')
    finish(await reportAction(cli, runs, options))
  })
}
