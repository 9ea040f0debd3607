import { publishedFor } from '../published/index.js'
import type { Comparison } from '../types.js'

/** Lines of a CSV file (RFC 4180); what is not defined is an empty cell. */
function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = value === null || Number.isNaN(value) ? '' : String(value)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')
}

/** A line for each method and metric, with the published value and the costs. */
export function summaryCsv({ methods, protocol }: Comparison): string {
  const table = publishedFor(protocol.dataset)
  const heads =
    'method,metric,mean,sd,sdSeeds,sdFolds,runs,planned,published,publishedSd,publishedOrigin,parameters,multiplyAdds,framesPerSecond,trainingSeconds'
  return csv([
    heads.split(','),
    ...methods.flatMap((method) => {
      const printed = table?.rows.find((row) => row.method === method.method)
      const costs = [method.parameters, method.macs, method.framesPerSecond, method.trainingSeconds]
      return method.statistics.map(({ metric, mean, sd, sdSeeds, sdFolds, runs }) => {
        const i = table?.metrics.indexOf(metric) ?? -1
        const value = printed?.values[i] ?? null
        return [
          method.name,
          metric,
          ...[mean, sd, sdSeeds, sdFolds, runs, method.planned],
          value,
          printed?.spread?.[i] ?? null,
          value === null ? null : printed!.origin,
          ...costs,
        ]
      })
    }),
  ])
}

/** A line for each run. */
export function runsCsv({ runs, metrics }: Comparison): string {
  const ids = metrics.map(({ id }) => id)
  return csv([
    ['method', 'fold', 'seed', 'cases', 'trainingSeconds', 'framesPerSecond', 'folder', ...ids],
    ...runs.map((run) => [
      run.entry,
      run.fold,
      run.seed,
      run.cases,
      run.trainingSeconds,
      run.speed.framesPerSecond,
      run.folder,
      ...ids.map((id) => run.means[id] ?? Number.NaN),
    ]),
  ])
}
