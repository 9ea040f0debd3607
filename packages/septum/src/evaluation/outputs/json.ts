import type { Evaluation } from '../types.js'

/** JSON has no NaN and no infinity: what is not defined is null, infinities are `"inf"` and `"-inf"`. */
export function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value !== 'number' || Number.isFinite(value)) return value
  return Number.isNaN(value) ? null : value > 0 ? 'inf' : '-inf'
}

/** The whole evaluation as JSON. */
export function evaluationJson(evaluation: Evaluation): string {
  return `${JSON.stringify({ format: 'septum-evaluation', version: 1, ...evaluation }, jsonValue, 1)}\n`
}

/** An evaluation whose numbers JSON can hold, for the result event of the command line. */
export function plainEvaluation(evaluation: Evaluation): object {
  return JSON.parse(JSON.stringify(evaluation, jsonValue)) as object
}
