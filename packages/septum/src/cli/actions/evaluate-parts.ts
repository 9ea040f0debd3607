import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EvaluateOptions } from '../commands/evaluate.js'
import { shellLine } from '../config/render.js'
import type { Outcome } from '../run-command.js'

/** Data sets of a run on several; none for a run on one, or where a single one is named. */
export function partsToScore(
  [run, dataset]: readonly string[],
  { reference }: Pick<EvaluateOptions, 'reference'>,
): readonly string[] {
  const file = join(run!, 'task.json')
  if (dataset !== undefined || reference !== undefined || !existsSync(file)) return []
  try {
    const { parts = [] } = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly parts?: readonly { readonly name: string }[]
    }
    return parts.map(({ name }) => name)
  } catch {
    return [] // Opening the run says what is wrong with the file.
  }
}

/** `evaluation/busi`, or `scores.busi.csv` where a table alone is written. */
export const partFile = (out: string, part: string): string =>
  /\.csv$/i.test(out) ? out.replace(/\.csv$/i, `.${part}.csv`) : join(out, part)

/** One evaluation for each data set, one after the other. @param score of one of them, into `out` */
export async function evaluateParts(
  run: string,
  parts: readonly string[],
  options: EvaluateOptions,
  score: (folders: readonly string[], options: EvaluateOptions) => Promise<Outcome>,
): Promise<Outcome> {
  const results: Record<string, unknown> = {}
  const text: string[] = []
  let failed = false
  for (const part of parts) {
    const own = options.out === undefined ? options : { ...options, out: partFile(options.out, part) }
    const outcome = await score([run, part], own)
    results[part] = outcome.result
    text.push(...(text.length > 0 ? [''] : []), ...outcome.text)
    failed ||= outcome.failed === true
  }
  return {
    result: { parts: results },
    text,
    next: `septum predict ${shellLine([run])} IMAGES --out masks --preview`,
    failed,
  }
}
