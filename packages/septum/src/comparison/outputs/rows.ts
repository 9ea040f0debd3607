import type { MetricEntry } from '@septum/core'
import { arrowOf, formatNumber, inMillimetres, metricTitle } from '../../evaluation/outputs/index.js'
import { formatRate, formatSeconds, formatShare } from '../numbers.js'
import {
  costSource,
  type Origin,
  type PublishedTable,
  publishedCosts,
  publishedFor,
} from '../published/index.js'
import type { ComparedMethod, Comparison } from '../types.js'

/** The table of the paper: a row of ours for each method, and one with its published numbers where there are any. */
export interface PaperTable {
  readonly caption: string
  readonly columns: readonly PaperColumn[]
  readonly rows: readonly PaperRow[]
  /** Published rows of methods that were not compared, e.g. of systems that are not built here. */
  readonly others: readonly PaperRow[]
  readonly sources: readonly string[]
}

export interface PaperColumn {
  readonly title: string
  /** `↑`, `↓`; empty where neither side is better, as in costs. */
  readonly arrow: string
  /** null: a cost. */
  readonly metric: MetricEntry | null
}

export interface PaperRow {
  readonly kind: 'ours' | 'published'
  readonly name: string
  /** `2 of 12 runs`, `quoted from memory`: what a reader must know of this row. */
  readonly remark: string | null
  readonly cells: readonly PaperCell[]
}

export interface PaperCell {
  /** `–` where there is no value. */
  readonly text: string
  /** `± 0.012`, where there is a spread. */
  readonly spread: string | null
  /** Place among our methods by mean: 1 is best. null for published values and costs. */
  readonly place: number | null
}

const none: PaperCell = { text: '–', spread: null, place: null }
const plain = (text: string): PaperCell => ({ text, spread: null, place: null })

/** Metrics by methods with their costs, ours and published. */
export function paperTable(comparison: Comparison): PaperTable {
  const { metrics, methods, protocol, evaluation } = comparison
  const table = publishedFor(protocol.dataset)
  const millimetres = evaluation !== null && inMillimetres(evaluation)
  const rivals = comparable(comparison)
  const places = new Map(metrics.map((entry) => [entry.id, placesOf(entry, rivals)]))
  const ours = (method: ComparedMethod): PaperRow => ({
    kind: 'ours',
    name: method.name,
    remark: method.finished < method.planned ? `${method.finished} of ${method.planned} runs` : null,
    cells: [
      ...metrics.map((entry): PaperCell => {
        const found = method.statistics.find(({ metric }) => metric === entry.id)
        if (!found || Number.isNaN(found.mean)) return none
        return {
          text: formatNumber(found.mean),
          spread: Number.isFinite(found.sd) ? `± ${formatNumber(found.sd)}` : null,
          place: places.get(entry.id)!.get(method.name) ?? null,
        }
      }),
      plain(formatShare(method.parameters, 1e6)),
      plain(formatShare(method.macs, 1e9)),
      plain(formatRate(method.framesPerSecond)),
      plain(formatSeconds(method.trainingSeconds)),
    ],
  })
  const compared = new Set(methods.map(({ method }) => method))
  return {
    caption: captionOf(comparison),
    columns: [
      ...metrics.map((metric) => ({
        title: metricTitle(metric, millimetres),
        arrow: arrowOf(metric),
        metric,
      })),
      ...['parameters (M)', 'multiply-adds (G)', 'frames/s', 'training'].map((title) => ({
        title,
        arrow: '',
        metric: null,
      })),
    ],
    // Below the first line of a method: a variant of it has no numbers of its own in the paper.
    rows: methods.flatMap((method, i) => [
      ours(method),
      ...(methods.findIndex((other) => other.method === method.method) === i
        ? publishedRows(method.method, metrics, table)
        : []),
    ]),
    others: (table?.rows ?? [])
      .filter(({ method }) => method === null || !compared.has(method))
      .map((row) => publishedRow(row, metrics, table!)),
    sources: sourcesOf(methods, table, metrics),
  }
}

function captionOf({ protocol, evaluation }: Comparison): string {
  const { dataset, folds, seeds } = protocol
  const cases =
    evaluation === null ? '' : `${evaluation.cases} test case${evaluation.cases === 1 ? '' : 's'} of `
  const runs = [folds !== null && `${folds} folds`, `${seeds.length} seed${seeds.length === 1 ? '' : 's'}`]
    .filter(Boolean)
    .join(', ')
  return `${cases}${dataset}, ${runs}: mean ± standard deviation between runs.`
}

/**
 * Methods whose means are over the same runs and cases. One that lacks runs, or cases that could not be scored, is
 * not ranked: its mean may rest on the easy ones.
 */
export function comparable({ methods, evaluation }: Comparison): readonly ComparedMethod[] {
  const most = Math.max(...methods.map(({ finished }) => finished))
  const unscored = new Set(evaluation?.problems.map(({ method }) => method))
  return methods.filter(({ name, finished }) => finished === most && !unscored.has(name))
}

function placesOf({ id, direction }: MetricEntry, methods: readonly ComparedMethod[]): Map<string, number> {
  if (direction === 'none') return new Map()
  const sign = direction === 'higher' ? 1 : -1
  const means = methods.flatMap(({ name, statistics }) => {
    const mean = statistics.find(({ metric }) => metric === id)?.mean ?? Number.NaN
    return Number.isNaN(mean) ? [] : [{ name, value: sign * mean }]
  })
  if (means.length < 2) return new Map()
  return new Map(
    means.map(({ name, value }) => [name, 1 + means.filter((other) => other.value > value).length]),
  )
}

type Published = PublishedTable['rows'][number]

/** The row of a method as printed, with the costs of the table of costs; none where neither has it. */
function publishedRows(
  method: string,
  metrics: readonly MetricEntry[],
  table: PublishedTable | undefined,
): PaperRow[] {
  const row = table?.rows.find((one) => one.method === method)
  if (row) return [publishedRow(row, metrics, table!)]
  const cost = publishedCosts.find((one) => one.method === method)
  return cost
    ? [
        {
          kind: 'published',
          name: cost.label,
          remark: null,
          cells: [...metrics.map(() => none), ...costCells(method)],
        },
      ]
    : []
}

const remarks: Readonly<Record<Origin, string | null>> = {
  paper: null,
  quoted: 'as quoted by other work',
  recalled: 'quoted by later papers, from memory, not checked',
}

function publishedRow(row: Published, metrics: readonly MetricEntry[], table: PublishedTable): PaperRow {
  return {
    kind: 'published',
    name: row.label,
    remark: remarks[row.origin],
    cells: [
      ...metrics.map(({ id }): PaperCell => {
        const i = table.metrics.indexOf(id)
        const value = row.values[i]
        if (value === undefined || value === null) return none
        const spread = row.spread?.[i]
        return {
          text: formatNumber(value),
          spread: spread === undefined || spread === null ? null : `± ${formatNumber(spread)}`,
          place: null,
        }
      }),
      ...costCells(row.method),
    ],
  }
}

function costCells(method: string | null): PaperCell[] {
  const cost = method === null ? undefined : publishedCosts.find((one) => one.method === method)
  if (!cost) return [none, none, none, none]
  return [
    plain(formatShare(cost.parameters, 1e6)),
    plain(formatShare(cost.macs, 1e9)),
    plain(formatRate(cost.framesPerSecond)),
    none,
  ]
}

/** Where the published numbers come from and why they are no rivals of ours. */
function sourcesOf(
  methods: readonly ComparedMethod[],
  table: PublishedTable | undefined,
  metrics: readonly MetricEntry[],
): string[] {
  const shared = table && metrics.some(({ id }) => table.metrics.includes(id))
  const cost = methods.some(({ method }) => publishedCosts.some((one) => one.method === method))
  const missing = table && !shared
  return [
    ...(shared
      ? [
          `Published values: ${table.source} (${table.title}): ${table.setting}. Another training, another division of the images: they show what was reached elsewhere, and no test compares them with ours.`,
        ]
      : []),
    ...(missing
      ? [
          `${table.source} has values for ${table.title} in other metrics: --metrics ${table.metrics.join(',')} shows them.`,
        ]
      : []),
    ...(cost ? [`Published costs: ${costSource}.`] : []),
  ]
}
