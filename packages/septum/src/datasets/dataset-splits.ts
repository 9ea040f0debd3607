import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Reporter, SeptumError } from '@septum/core'
import type { Description } from './description.js'
import type { Problems } from './problems.js'
import { splitByPatient } from './split-schemes.js'
import { alphabetical, readSplits, type SplitName, type Splits, splitNames } from './splits.js'

interface SplitCase {
  readonly name: string
  readonly patient: string
  readonly stratum?: string
  readonly split?: SplitName
}

/**
 * The division that a data set brings along: the file or scheme that its description names, else a
 * `splits.json` in the folder `dir`, else the published division of a known data set, else the parts that its
 * folders say; undefined when there is none.
 * @param base folder that names in the description are relative to.
 */
export async function findSplits(
  cases: readonly SplitCase[],
  { dir, base, published }: { readonly dir: string; readonly base: string; readonly published?: Splits },
  { splits: rule }: Pick<Description, 'splits'>,
  reporter: Reporter,
  problems: Problems,
): Promise<Splits | undefined> {
  if (typeof rule === 'object') return splitByPatient(cases, rule)
  const beside = join(dir, 'splits.json')
  const file = rule === undefined ? (existsSync(beside) ? beside : undefined) : resolve(base, rule)
  if (file !== undefined) {
    const splits = await readSplits(file)
    checkCoverage(cases, splits, file, reporter, problems)
    return splits
  }
  if (published) return present(published, cases)
  return cases.some(({ split }) => split) ? fromFolders(cases, reporter, problems) : undefined
}

function checkCoverage(
  cases: readonly SplitCase[],
  splits: Splits,
  file: string,
  reporter: Reporter,
  problems: Problems,
): void {
  const listed = new Set(splitNames.flatMap((name) => splits[name]))
  const present = new Set(cases.map(({ patient }) => patient))
  const unlisted = [...present].filter((patient) => !listed.has(patient))
  if (unlisted.length > 0) {
    problems.add(
      'splits-incomplete',
      `${unlisted.length} patients of the data set are in no part of the split, e.g. ${unlisted[0]}`,
      'Add them to one of the lists, or write a new split.',
      { file },
    )
  }
  const absent = [...listed].filter((patient) => !present.has(patient))
  if (absent.length > 0) {
    reporter.warn(
      `${absent.length} patients of the split are not in the data set, e.g. ${absent[0]} (${file})`,
    )
  }
}

/** A published division without the patients that this copy of the data set lacks. */
function present(splits: Splits, cases: readonly SplitCase[]): Splits {
  const here = new Set(cases.map(({ patient }) => patient))
  const { labelled } = splits
  const kept = (patients: readonly string[]) => patients.filter((patient) => here.has(patient))
  return {
    scheme: splits.scheme,
    train: kept(splits.train),
    val: kept(splits.val),
    test: kept(splits.test),
    ...(labelled ? { labelled: kept(labelled) } : {}),
  }
}

/** Cases without a part train. Where no folder validates, every tenth training patient does. */
function fromFolders(cases: readonly SplitCase[], reporter: Reporter, problems: Problems): Splits {
  const parts: Record<SplitName, Set<string>> = { train: new Set(), val: new Set(), test: new Set() }
  for (const { patient, split = 'train' } of cases) parts[split].add(patient)
  for (const patient of parts.train) {
    const other = parts.val.has(patient) ? 'val' : parts.test.has(patient) ? 'test' : undefined
    if (other) problems.keep(leak(patient, 'train', other))
  }
  for (const patient of parts.val) if (parts.test.has(patient)) problems.keep(leak(patient, 'val', 'test'))
  const list = (name: SplitName) => [...parts[name]].sort(alphabetical)
  const [train, val, test] = [list('train'), list('val'), list('test')]
  if (val.length > 0 || train.length < 2) return { scheme: 'folders', train, val, test }
  const taken = train.filter((_, index) => index % 10 === 0)
  reporter.info(
    `No folder validates: ${taken.length} of the ${train.length} training patients do (every tenth, in alphabetical order); the test part stays as it is.`,
  )
  return {
    scheme: 'folders, every tenth training patient validates',
    train: train.filter((_, index) => index % 10 !== 0),
    val: taken,
    test,
  }
}

function leak(patient: string, a: string, b: string): SeptumError {
  return new SeptumError(
    'splits-overlap',
    `Patient ${patient} is in both ${a} and ${b}`,
    'Move the patient into one part, or name a splits file in dataset.yaml.',
  )
}
