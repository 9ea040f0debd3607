import type { SegmentationCase } from '../../datasets/index.js'
import type { Batch, ValidationResult } from '../../methods/method.js'
import type { RunPart } from '../run-task.js'

/** The data set of a case of several. */
export function partOf(name: string, parts: readonly RunPart[]): RunPart {
  return parts.find((part) => name.startsWith(`${part.name}/`))!
}

/** Cases by data set, in the order of `parts`. */
export function casesByPart(
  cases: readonly SegmentationCase[],
  parts: readonly RunPart[],
): readonly (readonly SegmentationCase[])[] {
  return parts.map((part) => cases.filter(({ name }) => partOf(name, parts) === part))
}

/** The batch with what the masks of each case tell of; itself where there is one data set only. */
export function annotated(batch: Batch, parts: readonly RunPart[] | undefined): Batch {
  if (!parts) return batch
  return { ...batch, annotated: batch.cases.map((name) => partOf(name, parts).annotated) }
}

async function* eachAnnotated(
  batches: AsyncIterable<Batch>,
  parts: readonly RunPart[],
): AsyncIterable<Batch> {
  for await (const batch of batches) yield annotated(batch, parts)
}

/** Metrics of one data set, or of all. */
type Metrics = Readonly<Record<string, number>>

/**
 * Validates data set by data set: the score is the mean of theirs, however many cases each has; metrics are the means, and
 * with the name of a data set in front its own.
 */
export async function validateParts(
  parts: readonly RunPart[],
  batchesOf: (part: number) => AsyncIterable<Batch>,
  validate: (batches: AsyncIterable<Batch>) => Promise<ValidationResult>,
): Promise<ValidationResult> {
  const results: ValidationResult[] = []
  for (const index of parts.keys()) results.push(await validate(eachAnnotated(batchesOf(index), parts)))
  const mean = (of: (one: ValidationResult) => number) =>
    results.map(of).reduce((a, b) => a + b) / results.length
  const names = Object.keys(results[0]!.metrics)
  const means: Metrics = Object.fromEntries(
    names.map((name) => [name, mean(({ metrics }) => metrics[name]!)]),
  )
  const own = results.flatMap(({ metrics }, i) =>
    Object.entries(metrics).map(([name, value]) => [`${parts[i]!.name}.${name}`, value] as const),
  )
  return { score: mean(({ score }) => score), metrics: { ...means, ...Object.fromEntries(own) } }
}
