import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Random, SeptumError } from '@septum/core'
import { z } from 'zod'
import { writeWhole } from '../formats/index.js'

export const splitNames = ['train', 'val', 'test'] as const
export type SplitName = (typeof splitNames)[number]

/** Patients of each part, in alphabetical order; no patient is in two. */
export interface Splits {
  readonly scheme: string
  readonly train: readonly string[]
  readonly val: readonly string[]
  readonly test: readonly string[]
}

export type SplitScheme =
  /** Patients in alphabetical order: number 0, 10, 20, … validate, number 5, 15, 25, … test. */
  | { readonly scheme: 'tenths' }
  /** Shares of the patients, drawn by seed. */
  | { readonly scheme: 'fractions'; readonly val: number; readonly test: number; readonly seed: number }

/** Order of UTF-16 code units: the same on every machine, unlike the order of a locale. */
export const alphabetical = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Divides patients, never slices, into training, validation and test.
 * With `fractions` a part with a positive share gets at least one patient.
 * @throws SeptumError `split-small` when no patient would be left for training.
 */
export function splitByPatient(cases: readonly { readonly patient: string }[], scheme: SplitScheme): Splits {
  const patients = [...new Set(cases.map(({ patient }) => patient))].sort(alphabetical)
  const splits = scheme.scheme === 'tenths' ? byTenths(patients) : byFractions(patients, scheme)
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

function byFractions(patients: readonly string[], scheme: SplitScheme & { scheme: 'fractions' }): Splits {
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
  const testEnd = count(test)
  const valEnd = testEnd + count(val)
  return {
    scheme: `fractions val ${val} test ${test} seed ${seed}`,
    train: drawn.slice(valEnd).sort(alphabetical),
    val: drawn.slice(testEnd, valEnd).sort(alphabetical),
    test: drawn.slice(0, testEnd).sort(alphabetical),
  }
}

/** Cases of each part in their own order; cases of patients that no part names are left out. */
export function selectCases<C extends { readonly patient: string }>(
  cases: readonly C[],
  splits: Splits,
): Record<SplitName, C[]> {
  const select = (name: SplitName) => {
    const patients = new Set(splits[name])
    return cases.filter(({ patient }) => patients.has(patient))
  }
  return { train: select('train'), val: select('val'), test: select('test') }
}

/** SHA-256, in hex, of the three lists of patients: the identity of a split in reports. */
export function splitHash({ train, val, test }: Splits): string {
  const sorted = [train, val, test].map((patients) => [...patients].sort(alphabetical))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex')
}

/** Writes `splits.json` with its hash. */
export async function writeSplits(file: string, splits: Splits): Promise<void> {
  const { scheme, train, val, test } = splits
  const content = { by: 'patient', scheme, sha256: splitHash(splits), train, val, test }
  await writeWhole(file, `${JSON.stringify(content, null, 2)}\n`)
}

const fileSchema = z.object({
  by: z.literal('patient'),
  scheme: z.string(),
  sha256: z.string().optional(),
  train: z.array(z.string()).min(1),
  val: z.array(z.string()),
  test: z.array(z.string()),
})

/**
 * Reads `splits.json`.
 * @throws SeptumError `splits-invalid`, `splits-overlap` (a patient in two parts) or `splits-changed` (the
 * content does not have the hash that it was written with).
 */
export async function readSplits(file: string): Promise<Splits> {
  let content: unknown
  try {
    content = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const remedy = 'Check the path and that the file is JSON.'
    throw new SeptumError('splits-invalid', 'The split file cannot be read', remedy, { file }, { cause })
  }
  const result = fileSchema.safeParse(content)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new SeptumError(
      'splits-invalid',
      `The split file is not understood at ${issue.path.join('.') || 'its top'}: ${issue.message}`,
      'It needs "by": "patient", "scheme", and lists of patients "train", "val" and "test".',
      { file },
    )
  }
  const { scheme, train, val, test, sha256 } = result.data
  const splits = { scheme, train, val, test }
  const seen = new Set<string>()
  const twice = [...train, ...val, ...test].find((patient) => seen.size === seen.add(patient).size)
  if (twice !== undefined) {
    throw new SeptumError(
      'splits-overlap',
      `Patient ${twice} is listed twice`,
      'Keep every patient in one part only, or the test is no test.',
      { file },
    )
  }
  if (sha256 !== undefined && sha256 !== splitHash(splits)) {
    throw new SeptumError(
      'splits-changed',
      'The patients are not those that the split was written with',
      'Restore the file, or delete its line "sha256" if the change is meant.',
      { file },
    )
  }
  return splits
}
