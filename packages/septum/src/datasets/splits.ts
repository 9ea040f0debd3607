import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { SeptumError } from '@septum/core'
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
  /** Training patients whose masks may be used, for semi-supervised runs; all where this is left out. */
  readonly labelled?: readonly string[]
}

/** A division into folds: fold k validates in run k and trains in all others; `test` is kept out of all runs. */
export interface Folds {
  readonly scheme: string
  readonly folds: readonly (readonly string[])[]
  readonly test: readonly string[]
}

/** Order of UTF-16 code units: the same on every machine, unlike the order of a locale. */
export const alphabetical = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const sorted = (patients: readonly string[]) => [...patients].sort(alphabetical)
const sha256 = (content: unknown) => createHash('sha256').update(JSON.stringify(content)).digest('hex')

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

/** SHA-256, in hex, of the lists of patients (the labelled ones fourth): the identity of a split in reports. */
export function splitHash({ train, val, test, labelled }: Splits): string {
  return sha256([train, val, test, ...(labelled ? [labelled] : [])].map(sorted))
}

/** SHA-256, in hex, of the folds and of the test patients. */
export const foldsHash = ({ folds, test }: Folds): string => sha256([folds.map(sorted), sorted(test)])

/** The division of one run of a cross-validation. @param fold from 0. @throws SeptumError `splits-fold`. */
export function splitsOfFold({ scheme, folds, test }: Folds, fold: number): Splits {
  const val = folds[fold]
  if (!val) throw unknownFold(folds.length, fold)
  const train = folds.filter((_, index) => index !== fold).flat()
  return { scheme: `${scheme}, fold ${fold}`, train: sorted(train), val: sorted(val), test: sorted(test) }
}

const unknownFold = (count: number, fold: number | undefined, file?: string) =>
  new SeptumError(
    'splits-fold',
    fold === undefined
      ? `The split file holds ${count} folds and nothing says which one is meant`
      : `There is no fold ${fold} among ${count} folds`,
    `Name one of them, e.g. ${file ?? 'splits.json'}#0 (0 to ${count - 1}).`,
    file === undefined ? {} : { file },
  )

/** Writes `splits.json` with its hash. */
export async function writeSplits(file: string, splits: Splits): Promise<void> {
  const { scheme, train, val, test, labelled } = splits
  const content = { by: 'patient', scheme, sha256: splitHash(splits), train, val, test, labelled }
  await writeWhole(file, `${JSON.stringify(content, null, 2)}\n`)
}

/** Writes folds with their hash; `readSplits` reads one of them as `file#fold`. */
export async function writeFolds(file: string, folds: Folds): Promise<void> {
  const { scheme, folds: lists, test } = folds
  const content = { by: 'patient', scheme, sha256: foldsHash(folds), folds: lists, test }
  await writeWhole(file, `${JSON.stringify(content, null, 2)}\n`)
}

const patients = z.array(z.string())
const common = { by: z.literal('patient'), scheme: z.string(), sha256: z.string().optional() }
const partsSchema = z.object({
  ...common,
  train: patients.min(1),
  val: patients,
  test: patients,
  labelled: patients.optional(),
})
const foldsSchema = z.object({ ...common, folds: z.array(patients.min(1)).min(2), test: patients })
/** `splits_final.json` of nnU-Net: a list of folds by case. */
const nnunetSchema = z.array(z.object({ train: patients.min(1), val: patients })).min(1)

/**
 * Reads `splits.json`, or one fold of a file of folds or of nnU-Net's `splits_final.json`.
 * @param path of the file, for folds followed by `#` and the number of the fold from 0.
 * @throws SeptumError `splits-invalid`, `splits-overlap` (a patient in two parts), `splits-fold` or
 * `splits-changed` (the content does not have the hash that it was written with).
 */
export async function readSplits(path: string): Promise<Splits> {
  const [, file = path, number] = /^(.*)#(\d+)$/.exec(path) ?? []
  const fold = number === undefined ? undefined : Number(number)
  const content = await readJson(file)
  if (Array.isArray(content)) {
    const folds = parsed(nnunetSchema, content, file)
    const chosen = folds[fold ?? -1]
    if (!chosen) throw unknownFold(folds.length, fold, file)
    const splits = { scheme: `nnU-Net, fold ${fold}`, ...chosen, test: [] }
    refuseTwice([...splits.train, ...splits.val], file)
    return splits
  }
  if (typeof content === 'object' && content !== null && 'folds' in content) {
    const folds = parsed(foldsSchema, content, file)
    refuseTwice([...folds.folds.flat(), ...folds.test], file)
    refuseChanged(folds.sha256, foldsHash(folds), file)
    if (fold === undefined || !folds.folds[fold]) throw unknownFold(folds.folds.length, fold, file)
    return splitsOfFold(folds, fold)
  }
  const { scheme, train, val, test, labelled, sha256: hash } = parsed(partsSchema, content, file)
  if (fold !== undefined) throw unknownFold(0, fold, file)
  const splits = { scheme, train, val, test, ...(labelled ? { labelled } : {}) }
  refuseTwice([...train, ...val, ...test], file)
  const stranger = labelled?.find((patient) => !train.includes(patient))
  if (stranger !== undefined) {
    throw new SeptumError(
      'splits-invalid',
      `Patient ${stranger} is labelled but does not train`,
      'List only training patients under "labelled".',
      { file },
    )
  }
  refuseChanged(hash, splitHash(splits), file)
  return splits
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    const remedy = 'Check the path and that the file is JSON.'
    throw new SeptumError('splits-invalid', 'The split file cannot be read', remedy, { file }, { cause })
  }
}

function parsed<T>(schema: z.ZodType<T>, content: unknown, file: string): T {
  const result = schema.safeParse(content)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new SeptumError(
    'splits-invalid',
    `The split file is not understood at ${issue.path.join('.') || 'its top'}: ${issue.message}`,
    'It needs "by": "patient", "scheme", and lists of patients "train", "val" and "test", or "folds" and "test".',
    { file },
  )
}

function refuseTwice(listed: readonly string[], file: string): void {
  const seen = new Set<string>()
  const twice = listed.find((patient) => seen.size === seen.add(patient).size)
  if (twice === undefined) return
  throw new SeptumError(
    'splits-overlap',
    `Patient ${twice} is listed twice`,
    'Keep every patient in one part only, or the test is no test.',
    { file },
  )
}

function refuseChanged(written: string | undefined, hash: string, file: string): void {
  if (written === undefined || written === hash) return
  throw new SeptumError(
    'splits-changed',
    'The patients are not those that the split was written with',
    'Restore the file, or delete its line "sha256" if the change is meant.',
    { file },
  )
}
