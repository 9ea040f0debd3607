import { join } from 'node:path'
import { SeptumError } from '@septum/core'
import type { Comparison } from '../../comparison/types.js'
import { writeWhole } from '../../formats/write.js'
import type { CompareOptions } from '../commands/compare.js'
import { renderConfig, shellLine } from '../config/index.js'
import type { Cli } from '../context.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { comparisonSettings } from './compare-config.js'
import { comparisonLines } from './compare-table.js'

/** Cases that the report shows as pictures. */
const PICTURES = 8
const DEFAULT_EPOCHS = 50

/** @returns the exit code. */
export function compareAction(
  cli: Cli,
  dataset: string | undefined,
  options: CompareOptions,
): Promise<number> {
  return runCommand(cli, {
    name: 'compare',
    options,
    traceFolder: options.out,
    onInterrupt: 'saving a checkpoint, then stopping; the same command goes on.',
    work: (place) => compare(place, dataset, options),
  })
}

async function compare(
  place: Workplace,
  dataset: string | undefined,
  options: CompareOptions,
): Promise<Outcome> {
  const { cli, reporter, signal } = place
  const { steps, epochs = DEFAULT_EPOCHS, folds = null, seeds = 1, out } = options
  if (steps !== undefined && options.epochs !== undefined) {
    throw new SeptumError(
      'usage-conflicting-option',
      '--steps and --epochs exclude each other',
      'Leave one out.',
      { option: '--epochs' },
    )
  }
  const { entries, seed } = comparisonSettings(dataset, options, await cli.load.methods(), reporter)
  if (folds !== null && entries.some(({ config }) => config.data.splits !== null)) {
    throw new SeptumError(
      'usage-conflicting-option',
      '--folds and data.splits exclude each other',
      'Leave one out.',
      { option: '--folds' },
    )
  }
  // What is asked for wrongly is said before libtorch is loaded and before anything is trained.
  const { metrics = [] } = options
  if (metrics.length > 0) (await import('@septum/core')).resolveMetrics(metrics)
  const { comparable, compareMethods, plainComparison, worstPictures, writeComparison } = await import(
    '../../comparison/index.js'
  )
  const {
    comparison,
    dataset: opened,
    scored,
    interrupted,
  } = await compareMethods({
    entries,
    out,
    folds,
    seeds,
    firstSeed: seed,
    budget: steps === undefined ? { kind: 'epochs', epochs } : { kind: 'steps', steps },
    metrics,
    samples: options.samples,
    configText: (config) => renderConfig(config, cli.version, ['septum', ...cli.argv]),
    reporter,
    signal,
  })
  await writeComparison(out, comparison)
  const page = join(out, 'report.html')
  const { renderComparisonPage } = await import('../../report/comparison/page.js')
  const pictures = await worstPictures(comparison, opened, scored, PICTURES)
  await writeWhole(page, await renderComparisonPage({ comparison, pictures }))
  return {
    result: { ...plainComparison(comparison), out, page },
    text: [
      ...(comparison.evaluation ? comparisonLines(comparison, place) : []),
      ...failureLines(comparison),
      ...(interrupted
        ? [
            `Stopped: ${scored.length} of ${plannedOf(comparison)} runs have finished, the tables are of these.`,
          ]
        : []),
      `Report: ${page}`,
      `Tables: ${join(out, 'table.md')}, table.tex, summary.csv, runs.csv, cases.csv, results.json`,
    ],
    next: interrupted ? shellLine(['septum', ...cli.argv]) : nextOf(comparison, comparable(comparison)),
    interrupted,
    failed: comparison.failures.length > 0,
  }
}

const plannedOf = ({ methods }: Comparison): number => methods.reduce((sum, { planned }) => sum + planned, 0)

const failureLines = ({ failures }: Comparison): string[] =>
  failures.map(({ entry, run, message }) => `Failed: ${entry}${run === null ? '' : `, ${run}`}: ${message}`)

/** Prediction with a run of the method that is best in the leading metric. */
function nextOf(comparison: Comparison, methods: Comparison['methods']): string {
  const { metrics, runs } = comparison
  const leading = metrics.find(({ direction }) => direction !== 'none')
  const sign = leading?.direction === 'lower' ? -1 : 1
  const score = ({ statistics }: (typeof methods)[number]) =>
    sign * (statistics.find(({ metric }) => metric === leading?.id)?.mean ?? Number.NaN)
  const [best] = methods.filter((one) => !Number.isNaN(score(one))).sort((a, b) => score(b) - score(a))
  const run = runs.find(({ entry }) => entry === best?.name) ?? runs[0]
  return `septum predict ${shellLine([run?.folder ?? 'RUN'])} IMAGES --out masks --preview`
}
