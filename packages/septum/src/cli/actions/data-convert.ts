import { SeptumError } from '@septum/core'
import type { DataConvertOptions } from '../commands/data.js'
import { shellLine } from '../config/index.js'
import type { Cli } from '../context.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { readingOf } from './data-check.js'

/** @returns the exit code. */
export function dataConvertAction(cli: Cli, dir: string, options: DataConvertOptions): Promise<number> {
  return runCommand(cli, {
    name: 'data convert',
    options,
    onInterrupt: 'stopping.',
    work: (place) => {
      checkOptions(options)
      return options.to === 'lidc-crops'
        ? cutCrops(dir, options, place)
        : convert(dir, options.to, options, place)
    },
  })
}

/** Options that only one of the targets has. */
const own = {
  'lidc-crops': ['size', 'spacing', 'window', 'leastReaders', 'splits'],
  others: ['rater', 'layout', 'description'],
} as const

function checkOptions(options: DataConvertOptions): void {
  const foreign = options.to === 'lidc-crops' ? own.others : own['lidc-crops']
  const given = foreign.find((key) => options[key] !== undefined)
  if (given === undefined) return
  const name = `--${given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  throw new SeptumError(
    'usage-conflicting-option',
    `${name} does not go with --to ${options.to}`,
    'Leave one of them out.',
    { option: name },
  )
}

async function convert(
  dir: string,
  to: 'nnunet' | 'folders',
  options: DataConvertOptions,
  { reporter, signal }: Workplace,
): Promise<Outcome> {
  const { convertDataset } = await import('../../datasets/index.js')
  const { out, rater } = options
  const result = await convertDataset({
    ...{ dir, to, out, reporter, signal },
    ...readingOf(options),
    ...(rater === undefined ? {} : { rater }),
  })
  const { cases, files, ending, classes, notes } = result
  return {
    result: { out, to, ...result },
    text: [
      `${cases} cases in ${files} files (${ending}), classes ${classes.map((name, index) => `${index + 1} = ${name}`).join(', ')}`,
      ...notes,
      `Written: ${out}`,
    ],
    next: shellLine(['septum', 'data', 'check', out, '--out', 'check']),
  }
}

async function cutCrops(
  dir: string,
  { out, size, spacing, window, leastReaders, splits }: DataConvertOptions,
  { reporter, signal }: Workplace,
): Promise<Outcome> {
  const { writeLidcCrops } = await import('../../datasets/index.js')
  const request = { dir, out, size, spacingMm: spacing, window, leastReaders, splits, reporter, signal }
  const result = await writeLidcCrops(request)
  const { crops, lesions, series, patients, parts, byReaders, failures, notes } = result
  const shown = failures.slice(0, 20).map(({ case: name, message }) => `  ${name}: ${message}.`)
  return {
    result: { out, to: 'lidc-crops', ...result },
    text: [
      `${crops} crops of ${lesions} lesions in ${patients} patients, of ${series} series`,
      `Training ${parts.train}, validation ${parts.val}, test ${parts.test}`,
      `Readers who marked something: ${byReaders.map((count, index) => `${index + 1} in ${count}`).join(', ')}`,
      ...notes,
      ...(failures.length > 0 ? [`${failures.length} series could not be read:`, ...shown] : []),
      ...(failures.length > shown.length ? [`  and ${failures.length - shown.length} more`] : []),
      ...(crops > 0 ? [`Written: ${out}`] : ['No crop was written.']),
    ],
    next: shellLine(['septum', 'data', 'check', out, '--out', 'check']),
    failed: failures.length > 0 || crops === 0,
  }
}
