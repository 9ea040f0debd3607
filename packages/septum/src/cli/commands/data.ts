import { type Command, Option } from 'commander'
import type { Cli, CommonOptions } from '../context.js'
import type { Finish } from '../program.js'
import { share, spacingOption, wholeNumber, windowOption, withCommonOptions, withExample } from './shared.js'

/** How any of the commands reads a data set. */
export interface ReadingOptions extends CommonOptions {
  readonly layout?: string
  readonly description?: string
}

export interface DataCheckOptions extends ReadingOptions {
  readonly out?: string
  readonly pictures: number
}

export interface DataSplitOptions extends ReadingOptions {
  readonly out: string
  readonly scheme?: 'tenths' | 'fractions' | 'folds' | 'published'
  readonly folds?: number
  readonly val?: number
  readonly test?: number
  readonly seed: number
  readonly stratify?: string
  readonly group?: string
}

export interface DataConvertOptions extends ReadingOptions {
  readonly to: 'nnunet' | 'folders' | 'lidc-crops'
  readonly out: string
  readonly rater?: string
  readonly size?: number
  readonly spacing?: number | 'native'
  readonly window?: readonly [low: number, high: number]
  readonly leastReaders?: number
  readonly splits?: string
}

export function addData(program: Command, cli: Cli, finish: Finish): void {
  const data = program
    .command('data')
    .summary('check, divide and convert data sets')
    .description('Looks at a data set, divides it by patient, or writes it in another layout.')
  addCheck(data, cli, finish)
  addSplit(data, cli, finish)
  addConvert(data, cli, finish)
  addLayouts(data, cli, finish)
  withExample(
    data,
    'septum data check data/lesions --out checks/lesions',
    'septum data split data/lesions --folds 5 --out splits.json',
    'septum data layouts',
  )
}

const withReadingOptions = (command: Command): Command =>
  withCommonOptions(
    command
      .option(
        '--layout <name>',
        'layout or public data set by name, e.g. busi:fold2 (see septum data layouts)',
      )
      .option('--description <file>', 'dataset.yaml to use in place of the one in the folder'),
  )

function addCheck(data: Command, cli: Cli, finish: Finish): void {
  const command = data
    .command('check')
    .summary('look at every file of a data set')
    .description(
      'Reads every image and mask: counts, sizes, spacing, intensities, what mask values mean, class balance, lesion sizes, unreadable and unpaired files, masks that lie elsewhere than their images, copies across the parts of the split. Ends with 1 when something must be repaired.',
    )
    .argument('<dataset>', 'folder of the data set, or a manifest (.csv, .jsonl)')
    .option('--out <folder>', 'folder for check.html, contact-sheet.png and check.json')
    .option('--pictures <n>', 'cases shown in the contact sheet', wholeNumber(1), 24)
  withExample(
    withReadingOptions(command),
    'septum data check data/lesions --out checks/lesions',
    'septum data check BUSI --layout busi:fold1',
  ).action(async (dataset: string, options: DataCheckOptions) => {
    const { dataCheckAction } = await import('../actions/data-check.js')
    finish(await dataCheckAction(cli, dataset, options))
  })
}

function addSplit(data: Command, cli: Cli, finish: Finish): void {
  const command = data
    .command('split')
    .summary('divide a data set by patient')
    .description(
      'Divides the patients of a data set into training, validation and test, or into folds, and writes the lists with their hash, which runs record.',
    )
    .argument('<dataset>', 'folder of the data set, or a manifest (.csv, .jsonl)')
    .requiredOption('--out <file.json>', 'file for the lists')
    .addOption(
      new Option(
        '--scheme <name>',
        'fractions: shares drawn by seed; folds: cross-validation; tenths: by alphabetical order; published: what the data set brings along (default: folds with --folds, else fractions)',
      ).choices(['fractions', 'folds', 'tenths', 'published']),
    )
    .option('--folds <n>', 'number of folds', wholeNumber(2))
    .option('--val <share>', 'share that validates, with fractions (default: 0.15)', share)
    .option('--test <share>', 'share that tests (default: 0.15 with fractions, 0 with folds)', share)
    .option('--seed <n>', 'seed of the draw', wholeNumber(0), 0)
    .option(
      '--stratify <by>',
      'give every part its share of: labels (classes that occur), stratum (of a manifest or public data set), TABLE.csv:CASE:COLUMN, or the first group of a pattern on the case name',
    )
    .option('--group <pattern>', 'what a patient is: the first group of this pattern on the case name')
  withExample(
    withReadingOptions(command),
    'septum data split data/lesions --folds 5 --stratify labels --out splits.json',
    'septum train data/lesions --set data.splits=splits.json#0 --method unet --out runs/fold0',
  ).action(async (dataset: string, options: DataSplitOptions) => {
    const { dataSplitAction } = await import('../actions/data-split.js')
    finish(await dataSplitAction(cli, dataset, options))
  })
}

function addConvert(data: Command, cli: Cli, finish: Finish): void {
  const command = data
    .command('convert')
    .summary('write a data set in another layout')
    .description(
      'Writes a data set as nnU-Net v2 raw data or as images/ and masks/ with dataset.yaml. Samples and geometry stay as they are; mask values become labels 1, 2, … in the order of the classes. lidc-crops cuts the crops around nodules, with a mask of each of four readers, out of the DICOM series and XML files of LIDC-IDRI.',
    )
    .argument('<dataset>', 'folder of the data set, or a manifest (.csv, .jsonl)')
    .addOption(
      new Option('--to <layout>', 'layout to write')
        .choices(['nnunet', 'folders', 'lidc-crops'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'new folder')
    .option('--rater <name>', 'rater whose masks are taken where the layout keeps one mask a case')
    .option('--size <pixels>', 'lidc-crops: sides of a crop (default: 180)', wholeNumber(8))
    .option(
      '--spacing <mm>',
      "lidc-crops: distance of a crop's pixels, or native (default: 0.5)",
      spacingOption,
    )
    .option(
      '--window <low,high>',
      'lidc-crops: Hounsfield units that become 0 and 255 (default: -1000,400)',
      windowOption,
    )
    .option(
      '--least-readers <n>',
      'lidc-crops: readers who must have outlined the lesion in a slice (default: 1)',
      wholeNumber(1),
    )
    .option('--splits <file.json>', 'lidc-crops: parts of the patients (default: 70/15/15 by seed 0)')
  withExample(
    withReadingOptions(command),
    'septum data convert data/lesions --to nnunet --out nnUNet_raw/Dataset101_Lesions',
    'septum data convert LIDC-IDRI --to lidc-crops --out data/lidc-crops',
  ).action(async (dataset: string, options: DataConvertOptions) => {
    const { dataConvertAction } = await import('../actions/data-convert.js')
    finish(await dataConvertAction(cli, dataset, options))
  })
}

function addLayouts(data: Command, cli: Cli, finish: Finish): void {
  const command = data
    .command('layouts')
    .summary('list the layouts and public data sets that are read')
    .description('Lists layouts and public data sets; with a name, its source, licence, split and variants.')
    .argument('[name]', 'a layout or public data set')
  withExample(withCommonOptions(command), 'septum data layouts busi').action(
    async (name: string | undefined, options: CommonOptions) => {
      const { dataLayoutsAction } = await import('../actions/data-layouts.js')
      finish(await dataLayoutsAction(cli, name, options))
    },
  )
}
