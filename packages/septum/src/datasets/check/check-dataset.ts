import { type Reporter, SeptumError, silentReporter } from '@septum/core'
import type { ReadLimits } from '../../formats/index.js'
import { type FolderDataset, inspectDataset, type SegmentationCase } from '../dataset.js'
import { channelText } from '../dataset-report.js'
import { type SplitName, selectCases, splitHash } from '../splits.js'
import { type CaseStatistics, caseStatistics } from './case-statistics.js'
import { duplicatesOf, warningsOf } from './findings.js'
import { tally } from './numbers.js'
import { classRow, intensityRows, rangesOf } from './rows.js'
import type { DatasetCheck } from './types.js'

export interface CheckOptions {
  readonly reporter?: Reporter
  readonly layout?: string
  readonly description?: string
  readonly limits?: Partial<ReadLimits>
  readonly signal?: AbortSignal
}

/** Values kept of all images and channels together for quantiles. */
const SAMPLED = 2 ** 20
const SAMPLED_PER_CASE = 4096

/**
 * Looks at every file of a data set: what it holds, and what is wrong with it. One case is in memory at a time; a
 * file that cannot be read is a problem and the others are still looked at.
 * @throws SeptumError where nothing can be read at all: no folder, no known layout, a broken description.
 */
export async function checkDataset(
  dir: string,
  options: CheckOptions = {},
): Promise<{ readonly check: DatasetCheck; readonly dataset: FolderDataset }> {
  const { reporter = silentReporter, limits = {}, signal } = options
  const { dataset, layout, meaning, problems } = await inspectDataset(dir, options)
  const { cases } = dataset
  const found = new Map<SegmentationCase, CaseStatistics>()
  const perCase = Math.min(
    SAMPLED_PER_CASE,
    Math.ceil(SAMPLED / Math.max(1, cases.length * dataset.imageChannels)),
  )
  const progress = reporter.progress('Looking at cases', cases.length, 'cases')
  const reported = new Set(problems.all.map(({ place }) => place.file))
  try {
    for (const [index, entry] of cases.entries()) {
      signal?.throwIfAborted()
      try {
        found.set(entry, await caseStatistics(dataset, entry, perCase, limits))
      } catch (error) {
        // A mask that could not be decoded for its values is told already.
        const known =
          error instanceof SeptumError && error.place.file !== undefined && reported.has(error.place.file)
        if (!known) problems.keep(error, entry.name)
      }
      progress.update(index + 1)
    }
  } finally {
    progress.finish()
  }
  const duplicates = duplicatesOf(dataset, found)
  const looked = [...found]
  const labelled = looked.filter(([, { marks }]) => marks.length > 0)
  const spaced = cases.flatMap(({ geometry }) => (geometry ? [[...geometry.spacingMm].reverse()] : []))
  const reversed = cases.map(({ shape }) => shape.slice(1).reverse())
  const citation = dataset.description.citation ?? []
  const check: DatasetCheck = {
    name: dataset.name,
    dir,
    layout: layout.kind,
    licence: dataset.description.licence,
    source: dataset.description.source,
    citation: [citation].flat(),
    cases: layout.cases.length,
    labelled: cases.filter(({ masks }) => masks.length > 0).length,
    patients: new Set(cases.map(({ patient }) => patient)).size,
    volumes: cases.filter(({ shape }) => shape.length === 4).length,
    raters: dataset.raters,
    classes: dataset.classes,
    labels: meaning.line.replace(/^Masks: /, ''),
    channels: channelText(dataset),
    formats: tally(cases, ({ images }) => images[0]!.header.format),
    sampleTypes: tally(cases, ({ images }) => images[0]!.header.sampleType),
    sizes: tally(reversed, (size) => size.join(' x ')),
    sizeRanges: rangesOf(reversed),
    spacings: tally(spaced, (spacing) => spacing.map((mm) => Number(mm.toFixed(3))).join(' x ')),
    spacingRanges: rangesOf(spaced),
    withoutSpacing: cases.length - spaced.length,
    intensities: intensityRows(
      dataset,
      looked.map(([, one]) => one),
    ),
    classRows: dataset.classes.map((name, index) => classRow(name, index, labelled)),
    emptyCases: labelled.filter(([, { marks }]) =>
      marks.every((own) => own.every(({ samples }) => samples === 0)),
    ).length,
    split: splitOf(dataset),
    duplicates,
    problems: problems.all.map(({ code, message, hint, place }) => ({
      code,
      message,
      hint,
      ...(place.case === undefined ? {} : { case: place.case }),
      ...(place.file === undefined ? {} : { file: place.file }),
    })),
    warnings: warningsOf(layout.orphans, found, duplicates),
  }
  return { check, dataset }
}

function splitOf({ splits, cases }: FolderDataset): DatasetCheck['split'] {
  if (!splits) return undefined
  const parts = selectCases(cases, splits)
  const count = (part: SplitName) => ({
    cases: parts[part].length,
    patients: new Set(parts[part].map(({ patient }) => patient)).size,
  })
  return {
    scheme: splits.scheme,
    hash: splitHash(splits),
    parts: { train: count('train'), val: count('val'), test: count('test') },
    labelled: splits.labelled?.length,
  }
}
