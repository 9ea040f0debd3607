import { Random, SeptumError } from '@septum/core'
import { alphabetical, type Folds, type Splits } from './splits.js'

export type SplitScheme =
  /** Patients in alphabetical order: number 0, 10, 20, … validate, number 5, 15, 25, … test. */
  | { readonly scheme: 'tenths' }
  /** Shares of the patients, drawn by seed; with `stratify` every stratum gives its share. */
  | {
      readonly scheme: 'fractions'
      readonly val: number
      readonly test: number
      readonly seed: number
      readonly stratify?: boolean
    }

/** What a scheme needs to know of a case. */
export interface SplitCase {
  readonly patient: string
  readonly stratum?: string
}

/**
 * Divides patients, never slices, into training, validation and test.
 * With `fractions` a part with a positive share gets at least one patient.
 * @throws SeptumError `split-small` when no patient would be left for training.
 */
export function splitByPatient(cases: readonly SplitCase[], scheme: SplitScheme): Splits {
  const patients = [...new Set(cases.map(({ patient }) => patient))].sort(alphabetical)
  const splits =
    scheme.scheme === 'tenths'
      ? byTenths(patients)
      : byFractions(patients, scheme.stratify ? strataOf(cases) : undefined, scheme)
  if (splits.train.length === 0) {
    throw new SeptumError(
      'split-small',
      `${patients.length} patients cannot be divided into training, validation and test`,
      'Add patients or ask for smaller shares.',
    )
  }
  return splits
}

function byTenths(patients: readonly string[]): Splits {
  return {
    scheme: 'tenths',
    train: patients.filter((_, index) => index % 5 !== 0),
    val: patients.filter((_, index) => index % 10 === 0),
    test: patients.filter((_, index) => index % 10 === 5),
  }
}

function byFractions(
  patients: readonly string[],
  strata: ReadonlyMap<string, string> | undefined,
  scheme: SplitScheme & { scheme: 'fractions' },
): Splits {
  const { val, test, seed } = scheme
  if (!(val >= 0 && test >= 0 && val + test < 1)) {
    throw new SeptumError(
      'split-fractions',
      `Shares of ${val} for validation and ${test} for test leave nothing to train on`,
      'Give shares from 0 to 1 whose sum is below 1.',
    )
  }
  const count = (share: number) => (share > 0 ? Math.max(1, Math.round(share * patients.length)) : 0)
  const drawn = new Random(seed).shuffle(patients)
  const name = `fractions val ${val} test ${test} seed ${seed}`
  if (strata) {
    const rows = byStratum(drawn, strata)
    const tested = evenly(rows, count(test))
    const rest = rows.filter((patient) => !tested.has(patient))
    const validated = evenly(rest, count(val))
    return {
      scheme: `${name}, stratified`,
      train: rest.filter((patient) => !validated.has(patient)).sort(alphabetical),
      val: [...validated].sort(alphabetical),
      test: [...tested].sort(alphabetical),
    }
  }
  const testEnd = count(test)
  const valEnd = testEnd + count(val)
  return {
    scheme: name,
    train: drawn.slice(valEnd).sort(alphabetical),
    val: drawn.slice(testEnd, valEnd).sort(alphabetical),
    test: drawn.slice(0, testEnd).sort(alphabetical),
  }
}

export interface FoldOptions {
  readonly folds: number
  readonly seed: number
  /** Share of the patients that no fold holds. Default 0. */
  readonly test?: number
  /** Every stratum is dealt to the folds in turn. */
  readonly stratify?: boolean
}

/**
 * Deals patients, never slices, to folds whose sizes differ by one at most; stratified, so do the numbers of each
 * stratum's patients.
 * @throws SeptumError `split-small` when there are fewer patients than folds, `split-fractions`.
 */
export function foldsByPatient(cases: readonly SplitCase[], options: FoldOptions): Folds {
  const { folds, seed, test = 0, stratify = false } = options
  const patients = [...new Set(cases.map(({ patient }) => patient))].sort(alphabetical)
  if (!(test >= 0 && test < 1)) {
    throw new SeptumError(
      'split-fractions',
      `A share of ${test} for test leaves nothing to train on`,
      'Give a share from 0 to 1.',
    )
  }
  const drawn = new Random(seed).shuffle(patients)
  const rows = stratify ? byStratum(drawn, strataOf(cases)) : drawn
  const tested = evenly(rows, test > 0 ? Math.max(1, Math.round(test * rows.length)) : 0)
  const rest = rows.filter((patient) => !tested.has(patient))
  if (!Number.isInteger(folds) || folds < 2 || rest.length < folds) {
    throw new SeptumError(
      'split-small',
      `${rest.length} patients cannot be dealt to ${folds} folds`,
      'Ask for at least 2 folds and for no more than there are patients.',
    )
  }
  return {
    scheme: `${folds} folds seed ${seed}${test > 0 ? ` test ${test}` : ''}${stratify ? ', stratified' : ''}`,
    folds: Array.from({ length: folds }, (_, fold) =>
      rest.filter((_, index) => index % folds === fold).sort(alphabetical),
    ),
    test: [...tested].sort(alphabetical),
  }
}

/** Stratum of each patient: those of all its cases, so that one with two kinds of cases is a kind of its own. */
function strataOf(cases: readonly SplitCase[]): Map<string, string> {
  const found = new Map<string, Set<string>>()
  for (const { patient, stratum = '' } of cases) {
    found.set(patient, (found.get(patient) ?? new Set<string>()).add(stratum))
  }
  return new Map([...found].map(([patient, strata]) => [patient, [...strata].sort(alphabetical).join('+')]))
}

/** Patients of one stratum beside each other, within it as they were drawn. */
const byStratum = (drawn: readonly string[], strata: ReadonlyMap<string, string>): string[] =>
  [...drawn].sort((a, b) => alphabetical(strata.get(a)!, strata.get(b)!))

/** `count` entries at equal distances: of rows sorted by stratum this takes each stratum's share. */
function evenly(rows: readonly string[], count: number): Set<string> {
  return new Set(
    Array.from({ length: count }, (_, k) => rows[Math.floor(((k + 0.5) * rows.length) / count)]!),
  )
}
