import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Reporter, SeptumError } from '@septum/core'
import {
  type FolderDataset,
  foldsByPatient,
  readSplits,
  type Splits,
  selectCases,
  splitByPatient,
  splitHash,
  writeSplits,
} from '../datasets/index.js'

/** Share of the patients that choose the best state of a training, of those that are not tested. */
const VALIDATION = 0.15
const TEST = 0.15

/** Who trains, validates and tests in the runs of one fold. */
export interface Division {
  /** null: the only one. */
  readonly fold: number | null
  readonly splits: Splits
  /** File that the runs read it from. */
  readonly file: string
  readonly hash: string
  readonly cases: Readonly<Record<'train' | 'val' | 'test', number>>
}

export interface DivisionOptions {
  readonly folds: number | null
  readonly seed: number
  /** Split file of the configuration. */
  readonly splits: string | null
  readonly out: string
  readonly reporter: Reporter
}

/**
 * The divisions of a comparison. With folds every patient is tested once; of the others a part validates, so that
 * the best state of a training is never chosen on what is tested.
 * @throws SeptumError `compare-small`, `compare-test`, `compare-changed`
 */
export async function divide(dataset: FolderDataset, options: DivisionOptions): Promise<Division[]> {
  const divisions =
    options.folds === null ? [await single(dataset, options)] : crossed(dataset, options.folds, options)
  const folder = join(options.out, 'splits')
  mkdirSync(folder, { recursive: true })
  const made: Division[] = []
  for (const [index, splits] of divisions.entries()) {
    const fold = options.folds === null ? null : index
    const file = resolve(folder, fold === null ? 'split.json' : `fold-${fold}.json`)
    const hash = splitHash(splits)
    if (existsSync(file)) {
      const before = await readSplits(file)
      if (splitHash(before) !== hash) {
        throw new SeptumError(
          'compare-changed',
          `The comparison was begun with another division of the patients (${before.scheme}, now ${splits.scheme})`,
          'Give the data set, --folds and --seed as before, or another --out.',
          { file },
        )
      }
    } else await writeSplits(file, splits)
    const { train, val, test } = selectCases(dataset.cases, splits)
    const cases = { train: train.length, val: val.length, test: test.length }
    made.push({ fold, splits, file, hash, cases })
  }
  return made
}

async function single(
  dataset: FolderDataset,
  { splits: file, seed, reporter }: DivisionOptions,
): Promise<Splits> {
  const named = file === null ? dataset.splits : await readSplits(file)
  if (!named) {
    const drawn = splitByPatient(dataset.cases, {
      scheme: 'fractions',
      val: VALIDATION,
      test: TEST,
      seed,
      stratify: stratified(dataset),
    })
    reporter.info(
      `The data set names no split: ${drawn.train.length} patients train, ${drawn.val.length} validate, ${drawn.test.length} test (drawn with seed ${seed}, the same for all runs).`,
    )
    return drawn
  }
  const { train, val, test } = selectCases(dataset.cases, named)
  const empty =
    train.length === 0 ? 'train' : val.length === 0 ? 'val' : test.length === 0 ? 'test' : undefined
  if (empty) {
    throw new SeptumError(
      'compare-test',
      `The split of the data set has no ${empty} case`,
      'Give --folds 4 to test every case once, or another split: --set data.splits=FILE.',
      { file: file ?? dataset.dir },
    )
  }
  return named
}

function crossed(dataset: FolderDataset, folds: number, { seed, reporter }: DivisionOptions): Splits[] {
  const patients = new Set(dataset.cases.map(({ patient }) => patient)).size
  // The largest fold is tested; of the rest one patient at least trains and one validates.
  if (patients < folds || patients - Math.ceil(patients / folds) < 2) {
    throw new SeptumError(
      'compare-small',
      `${patients} patients cannot be compared in ${folds} folds`,
      'Ask for fewer folds, or for none: then one part of the patients is tested.',
      { file: dataset.dir },
    )
  }
  if (dataset.splits)
    reporter.info(`The ${folds} folds are drawn from all cases, in place of the data set's own split.`)
  const stratify = stratified(dataset)
  const dealt = foldsByPatient(dataset.cases, { folds, seed, stratify })
  return dealt.folds.map((test, fold): Splits => {
    const held = new Set(test)
    const rest = dataset.cases.filter(({ patient }) => !held.has(patient))
    const { train, val } = splitByPatient(rest, {
      scheme: 'fractions',
      val: VALIDATION,
      test: 0,
      seed,
      stratify,
    })
    const scheme = `fold ${fold} of ${dealt.scheme} is tested, ${VALIDATION} of the others validate`
    return { scheme, train, val, test }
  })
}

const stratified = ({ cases }: FolderDataset): boolean =>
  cases.length > 0 && cases.every(({ stratum }) => stratum !== undefined)
