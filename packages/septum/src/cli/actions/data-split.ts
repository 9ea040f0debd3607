import { SeptumError } from '@septum/core'
import type { FolderDataset, Folds, SplitCase, Splits } from '../../datasets/index.js'
import type { DataSplitOptions } from '../commands/data.js'
import { shellLine } from '../config/index.js'
import type { Cli } from '../context.js'
import { type Outcome, runCommand, type Workplace } from '../run-command.js'
import { formatTable } from '../table.js'
import { readingOf } from './data-check.js'

/** @returns the exit code. */
export function dataSplitAction(cli: Cli, dir: string, options: DataSplitOptions): Promise<number> {
  return runCommand(cli, {
    name: 'data split',
    options,
    onInterrupt: 'stopping.',
    async work(place) {
      const { openFolderDataset, patientsUntold, stratifiedCases, writeFolds, writeSplits } = await import(
        '../../datasets/index.js'
      )
      const dataset = await openFolderDataset(dir, {
        reporter: place.reporter,
        check: 'quick',
        ...readingOf(options),
      })
      const cases = options.stratify
        ? await stratifiedCases(dataset, options.stratify, { reporter: place.reporter, signal: place.signal })
        : dataset.cases
      const divided = grouped(cases, options.group)
      if (options.group === undefined)
        for (const { message, hint } of patientsUntold(dataset.cases))
          place.reporter.warn(`${message}. ${hint}`)
      const made = await divide(dataset, divided, options)
      if ('folds' in made) await writeFolds(options.out, made)
      else await writeSplits(options.out, made)
      const known = new Set(dataset.cases.map(({ patient }) => patient))
      if (divided.some(({ patient }) => !known.has(patient)))
        place.reporter.warn(
          `The data set does not know these patients: runs find them with patient: ${yamlText(options.group!)} in dataset.yaml.`,
        )
      return describe(made, divided, dir, options, place)
    },
  })
}

/** A text of YAML that escapes nothing. */
const yamlText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The cases with the patients that `--group` makes. */
function grouped<C extends SplitCase & { readonly name: string }>(
  cases: readonly C[],
  pattern: string | undefined,
): C[] {
  if (pattern === undefined) return [...cases]
  const expression = expressionOf(pattern, '--group')
  return cases.map((entry) => {
    const match = expression.exec(entry.name)
    const patient = match?.[1] ?? match?.[0]
    if (!patient) {
      throw new SeptumError(
        'usage-pattern',
        `The pattern ${pattern} does not fit the case name`,
        'Correct --group: its first group is the patient.',
        { case: entry.name, option: '--group' },
      )
    }
    return { ...entry, patient }
  })
}

function expressionOf(pattern: string, option: string): RegExp {
  try {
    return new RegExp(pattern)
  } catch {
    throw new SeptumError(
      'usage-pattern',
      `${pattern} is no regular expression`,
      'Write one such as "^(p\\d+)_".',
      { option },
    )
  }
}

async function divide(
  dataset: FolderDataset,
  cases: readonly SplitCase[],
  { scheme, folds, val = 0.15, test, seed, stratify }: DataSplitOptions,
): Promise<Splits | Folds> {
  const { foldsByPatient, splitByPatient } = await import('../../datasets/index.js')
  const chosen = scheme ?? (folds === undefined ? 'fractions' : 'folds')
  if (chosen !== 'folds' && folds !== undefined) {
    throw new SeptumError(
      'usage-conflicting-option',
      `--folds does not go with --scheme ${chosen}`,
      'Leave one of them out.',
      {
        option: '--folds',
      },
    )
  }
  if (stratify && (chosen === 'tenths' || chosen === 'published')) {
    throw new SeptumError(
      'usage-conflicting-option',
      `--stratify does not go with --scheme ${chosen}`,
      'Use fractions or folds.',
      { option: '--stratify' },
    )
  }
  const stratified = stratify !== undefined
  switch (chosen) {
    case 'folds':
      return foldsByPatient(cases, { folds: folds ?? 5, seed, test: test ?? 0, stratify: stratified })
    case 'tenths':
      return splitByPatient(cases, { scheme: 'tenths' })
    case 'fractions':
      return splitByPatient(cases, {
        scheme: 'fractions',
        val,
        test: test ?? 0.15,
        seed,
        stratify: stratified,
      })
    case 'published':
      if (dataset.splits) return dataset.splits
      throw new SeptumError(
        'split-unpublished',
        'The data set brings no division along',
        'Choose --scheme fractions or folds, or name a variant with --layout.',
        { file: dataset.dir },
      )
  }
}

async function describe(
  made: Splits | Folds,
  cases: readonly SplitCase[],
  dir: string,
  { out, description, layout }: DataSplitOptions,
  { columns, paint }: Workplace,
): Promise<Outcome> {
  const { foldsHash, splitHash } = await import('../../datasets/index.js')
  const parts: [string, readonly string[]][] =
    'folds' in made
      ? [
          ...made.folds.map((fold, index): [string, readonly string[]] => [`fold ${index}`, fold]),
          ['test', made.test],
        ]
      : [
          ['train', made.train],
          ['val', made.val],
          ['test', made.test],
          ...(made.labelled ? ([['labelled', made.labelled]] as [string, readonly string[]][]) : []),
        ]
  const counted = parts.map(([part, patients]) => {
    const held = new Set(patients)
    return { part, patients: patients.length, cases: cases.filter(({ patient }) => held.has(patient)).length }
  })
  const sha256 = 'folds' in made ? foldsHash(made) : splitHash(made)
  const splits = 'folds' in made ? `${out}#0` : out
  return {
    result: { file: out, scheme: made.scheme, sha256, parts: counted },
    text: [
      ...formatTable(
        [{ title: made.scheme }, { title: 'patients', align: 'right' }, { title: 'cases', align: 'right' }],
        counted.map(({ part, patients, cases: held }) => [part, `${patients}`, `${held}`]),
        { columns, paint },
      ),
      `Written: ${out} (SHA-256 ${sha256.slice(0, 12)}…)`,
      ...(layout === undefined
        ? []
        : [`Runs read this variant with "layout: ${layout}" in dataset.yaml (--set data.description=FILE).`]),
    ],
    next: shellLine([
      'septum',
      'train',
      dir,
      '--method',
      'unet',
      '--set',
      `data.splits=${splits}`,
      ...(description === undefined ? [] : ['--set', `data.description=${description}`]),
      '--out',
      'runs/first',
    ]),
  }
}
