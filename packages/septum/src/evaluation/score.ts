import { type Curves, type MetricInput, type MetricOptions, measureCase, SeptumError } from '@septum/core'
import type { CaseProblem, CaseScore } from './types.js'

/** Scores of one case as a worker hands them back: the curves go into means and are not kept. */
export interface ScoredClass extends CaseScore {
  readonly curves?: Curves
  /** Whether prediction and reference mark anything. */
  readonly marked: { readonly prediction: boolean; readonly reference: boolean }
}

export interface ScoredCase {
  readonly scores: readonly ScoredClass[]
  readonly problems: readonly CaseProblem[]
  /** Hypotheses and raters that were compared. */
  readonly samples: number
  readonly raters: number
}

export interface CaseIdentity {
  readonly case: string
  readonly patient: string
  readonly method: string
}

/** Scores every class of one case. A class that cannot be scored is a problem of its own. */
export function scoreClasses(
  identity: CaseIdentity,
  classes: readonly string[],
  inputOf: (index: number) => MetricInput,
  ids: readonly string[],
  options: MetricOptions,
): ScoredCase {
  const scores: ScoredClass[] = []
  const problems: CaseProblem[] = []
  let [samples, raters] = [1, 1]
  for (const [index, name] of classes.entries()) {
    try {
      // One class at a time: its masks are gone before those of the next are made.
      const input = inputOf(index)
      samples = Math.max(samples, input.samples?.length ?? 1)
      raters = Math.max(raters, input.raters?.length ?? 1)
      const { values, curves } = measureCase(ids, input, options)
      const any = (masks: readonly Uint8Array[]) => masks.some((mask) => mask.some((value) => value !== 0))
      scores.push({
        ...identity,
        class: name,
        values: Object.fromEntries(Object.entries(values).map(([id, { value }]) => [id, value])),
        empty: Object.fromEntries(Object.entries(values).map(([id, { empty }]) => [id, empty])),
        ...(curves ? { curves } : {}),
        marked: {
          prediction: any([...(input.samples ?? []), ...(input.prediction ? [input.prediction] : [])]),
          reference: any(input.raters ?? []),
        },
      })
    } catch (error) {
      problems.push(problemOf(error, identity.case, identity.method))
      break
    }
  }
  return { scores: problems.length > 0 ? [] : scores, problems, samples, raters }
}

/** One bad case as a sentence. @throws what is no SeptumError. */
export function problemOf(error: unknown, name: string, method: string | null): CaseProblem {
  if (!(error instanceof SeptumError)) throw error
  const { code, message, hint, place } = error
  const file = place.file ? ` (${place.file})` : ''
  return { case: name, method, code, message: `${message}${file}. ${hint}` }
}
