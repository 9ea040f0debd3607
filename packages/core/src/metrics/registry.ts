import { SeptumError } from '../error.js'
import type { MetricEntry, MetricFamily } from './catalogue.js'
import { calibrationFamily } from './families/calibration.js'
import { hypothesesFamily } from './families/hypotheses.js'
import { regionFamily } from './families/regions.js'
import { layerFamily, lesionFamily, volumeFamily } from './families/shapes.js'
import { surfaceFamily } from './families/surface.js'
import { sweepFamily } from './families/sweep.js'
import { instanceFamily } from './instances/family.js'
import { metricPresets } from './presets.js'
import { topologyFamily } from './topology/family.js'

/** Every family of metrics; to add one, append it here. */
export const metricFamilies: readonly MetricFamily[] = [
  regionFamily,
  sweepFamily,
  surfaceFamily,
  volumeFamily,
  lesionFamily,
  layerFamily,
  hypothesesFamily,
  calibrationFamily,
  topologyFamily,
  instanceFamily,
]

/** What is known of every metric, by id. */
export const metricCatalogue: ReadonlyMap<string, MetricEntry> = new Map(
  metricFamilies.flatMap((family) => family.entries.map((entry) => [entry.id, entry] as const)),
)

/**
 * Metrics by name: ids and presets mixed, each metric once, in the order of the names.
 * @throws SeptumError `metric-unknown`.
 */
export function resolveMetrics(names: readonly string[]): MetricEntry[] {
  const presets: Readonly<Record<string, readonly string[]>> = metricPresets
  const ids = names.flatMap((name) => (Object.hasOwn(presets, name) ? presets[name]! : [name]))
  return [...new Set(ids)].map((id) => {
    const entry = metricCatalogue.get(id)
    if (entry) return entry
    throw new SeptumError(
      'metric-unknown',
      `There is no metric "${id}"`,
      suggestion(id, Object.keys(presets)),
    )
  })
}

function suggestion(name: string, presets: readonly string[]): string {
  const all = [...presets, ...metricCatalogue.keys()]
  const near = all
    .map((other) => ({ other, steps: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .filter(({ other, steps }) => steps <= Math.max(2, other.length / 3))
    .sort((a, b) => a.steps - b.steps)
    .slice(0, 3)
    .map(({ other }) => other)
  return near.length > 0
    ? `Did you mean ${near.join(', ')}?`
    : `Give metrics or the presets ${presets.join(', ')}.`
}

/** Fewest insertions, deletions and replacements that turn one text into the other. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[b.length]!
}
