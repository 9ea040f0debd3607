import type { MetricOptions } from '@septum/core'
import { SeptumError } from '@septum/core'
import type { MethodFiles, PredictionFiles } from './predictions.js'
import { metricInput, type PrepareOptions, readPrediction } from './prepare.js'
import { type ReferenceEntry, type ReferenceReader, readReference } from './references.js'
import { problemOf, type ScoredCase, scoreClasses } from './score.js'

/** What is the same for all cases. Plain data: it is sent to each worker once. */
export interface EvaluationPlan {
  readonly reader: ReferenceReader
  readonly prepare: Omit<PrepareOptions, 'kind'>
  readonly ids: readonly string[]
  readonly options: MetricOptions
}

/** One case with the files of every method. Plain data. */
export interface CaseJob {
  readonly index: number
  readonly entry: ReferenceEntry
  readonly methods: readonly {
    readonly name: string
    readonly kind: PrepareOptions['kind']
    readonly files: PredictionFiles
    /** Two files of one name: which is meant nobody knows. */
    readonly twice?: readonly [string, string]
  }[]
}

/**
 * Reads and scores one case with every method: the reference is decoded once, and one method's maps are in
 * memory at a time. Whatever is wrong with the files becomes a problem of the case.
 */
export async function runJob(plan: EvaluationPlan, { entry, methods }: CaseJob): Promise<ScoredCase> {
  const parts: ScoredCase[] = []
  try {
    const reference = await readReference(plan.reader, entry)
    for (const { name, kind, files, twice } of methods) {
      try {
        if (twice) throw doubled(twice)
        const options = { ...plan.prepare, kind }
        const predicted = await readPrediction(files, reference, options)
        const identity = { case: entry.name, patient: entry.patient, method: name }
        const names = options.classes.map((one) => one.name)
        parts.push(
          scoreClasses(
            identity,
            names,
            (index) => metricInput(reference, predicted, index, options),
            plan.ids,
            plan.options,
          ),
        )
      } catch (error) {
        parts.push({ scores: [], problems: [problemOf(error, entry.name, name)], samples: 0, raters: 0 })
      }
    }
  } catch (error) {
    parts.push({ scores: [], problems: [problemOf(error, entry.name, null)], samples: 0, raters: 0 })
  }
  return {
    scores: parts.flatMap((part) => part.scores),
    problems: parts.flatMap((part) => part.problems),
    samples: Math.max(0, ...parts.map((part) => part.samples)),
    raters: Math.max(0, ...parts.map((part) => part.raters)),
  }
}

function doubled([first, second]: readonly [string, string]): SeptumError {
  return new SeptumError(
    'predictions-twice',
    `Two predictions have the name of this case: ${first} and ${second}`,
    'Keep one of them.',
  )
}

/** The methods that predicted a case. */
export function jobMethods(
  name: string,
  methods: readonly (MethodFiles & { readonly kind: PrepareOptions['kind'] })[],
): CaseJob['methods'] {
  return methods.flatMap(({ name: method, kind, cases, twice }) => {
    const files = cases.get(name)
    const double = twice.get(name)
    return files ? [{ name: method, kind, files, ...(double ? { twice: double } : {}) }] : []
  })
}
