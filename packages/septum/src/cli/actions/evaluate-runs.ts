import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Reporter, silentReporter } from '@septum/core'
import type { MethodFolder } from '../../evaluation/index.js'
import type { SplitCases } from '../../training/api.js'
import type { EvaluateOptions } from '../commands/evaluate.js'
import type { Workplace } from '../run-command.js'

/** Folders of masks and of runs, and what they are compared with: null for the data set of the first run. */
export interface NamedFolders {
  readonly methods: readonly MethodFolder[]
  readonly references: string | null
}

/** Methods whose masks all lie in folders, and the cases that they are compared on. */
export interface DrawnRuns {
  readonly methods: readonly MethodFolder[]
  readonly references: string
  readonly description: string | undefined
  readonly cases: readonly string[]
  /** The cases are told by name. */
  readonly split: undefined
  /** Removes the masks. */
  remove(): void
}

const isRun = ({ folder }: MethodFolder): boolean => existsSync(join(folder, 'config.yaml'))

/**
 * Lets every run among the methods segment the same cases, into temporary folders that look as `septum predict` leaves
 * them: those of the part of the data set as the first run divides it. A run that was trained on some of them is told.
 */
export async function drawRuns(
  { cli, reporter, signal }: Workplace,
  { methods, references }: NamedFolders,
  options: EvaluateOptions,
): Promise<DrawnRuns> {
  const { predictRun, splitCases } = await cli.load.training()
  // What the data set holds is said once, when masks are drawn.
  const quiet: Reporter = { ...silentReporter, warn: (text) => reporter.warn(text) }
  const { split = 'test', samples, seed = 0, device = 'auto', threads = 0, description } = options
  const told = { ...(description === undefined ? {} : { description }), reporter: quiet }
  const runs = methods.filter(isRun)
  const [first] = runs as [MethodFolder]
  const own = await splitCases({ run: first.folder, split, reporter: quiet })
  const elsewhere = references !== null && resolve(references) !== resolve(own.dataset)
  const chosen = elsewhere
    ? await splitCases({ run: first.folder, split, dataset: references, ...told })
    : { ...own, ...told }
  for (const run of runs) await warnOfSeen(run)
  const parent = mkdtempSync(join(tmpdir(), 'septum-evaluate-'))
  const remove = () => rmSync(parent, { recursive: true, force: true })
  const { dataset, cases } = chosen
  const from = { dataset, cases, ...(chosen.description ? { description: chosen.description } : {}) }
  const drawing = { inputs: [], split, ...from, samples, seed, device, threads, reporter, signal }
  const drawn: MethodFolder[] = []
  try {
    for (const [index, method] of methods.entries()) {
      if (!isRun(method)) {
        drawn.push(method)
        continue
      }
      const out = join(parent, String(index))
      reporter.info(`${method.name}: segmenting ${cases.length} cases`)
      await predictRun({ run: method.folder, ...drawing, out })
      drawn.push({ name: method.name, folder: out, kind: 'labels' })
    }
  } catch (error) {
    remove()
    throw error
  }
  return {
    methods: drawn,
    references: dataset,
    description: chosen.description,
    cases,
    split: undefined,
    remove,
  }

  /** Scores of cases that a run has learnt from say nothing of others. */
  async function warnOfSeen({ name, folder }: MethodFolder): Promise<void> {
    const trained: SplitCases = await splitCases({ run: folder, split: 'train', reporter: quiet })
    if (resolve(trained.dataset) !== resolve(chosen.dataset)) return
    const seen = new Set(trained.cases)
    const count = chosen.cases.filter((one) => seen.has(one)).length
    if (count > 0)
      reporter.warn(`${name} was trained on ${count} of the ${chosen.cases.length} cases compared.`)
  }
}
