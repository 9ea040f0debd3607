import { type MetricEntry, metricCatalogue, resolveMetrics, SeptumError } from '@septum/core'
import { decodeFile, valuesOf } from './decode.js'
import type { MethodFiles, PredictionFiles } from './predictions.js'
import type { PrepareOptions } from './prepare.js'
import type { ClassSpec, PredictionKind } from './types.js'

/** Predictions that are looked at to learn what a folder holds. */
const LOOKED_AT = 8

export interface KindFound {
  readonly kind: PrepareOptions['kind']
  /** How it was told, for one line to the reader; null where the user said it. */
  readonly why: string | null
}

/**
 * What the masks of a method hold. Without being told: fractions are probabilities; so are grey values of
 * which there are more than two where there is one class (saliency maps); everything else are labels.
 */
export async function kindOf(
  { cases }: MethodFiles,
  wanted: PredictionKind,
  classes: readonly ClassSpec[],
): Promise<KindFound> {
  if (wanted !== 'auto') return { kind: wanted, why: null }
  const all = [...cases.values()]
  const stride = Math.max(1, Math.floor(all.length / LOOKED_AT))
  const binary = classes.length === 1 && classes[0]!.values === null
  for (const files of all.filter((_, i) => i % stride === 0)) {
    const file = files.mask ?? files.samples[0]
    if (file === undefined) continue
    try {
      const { data, maxValue, channels } = await decodeFile(file)
      const found = valuesOf(data, 300)
      const whole = !found.has(-1)
      if (!whole && !data.some(Number.isNaN)) return { kind: 'probabilities', why: 'fractions' }
      if (binary && whole && channels === 1 && maxValue >= 255 && found.size > 2)
        return {
          kind: 'probabilities',
          why: `grey values up to ${Math.max(...found)}, divided by ${maxValue}`,
        }
    } catch (error) {
      // A file that cannot be read is a problem of its case; another one tells what the folder holds.
      if (!(error instanceof SeptumError)) throw error
    }
  }
  return { kind: 'labels', why: 'whole numbers' }
}

/** What there is to score. */
export interface Material {
  readonly samples: number
  readonly raters: number
  readonly kinds: readonly PrepareOptions['kind'][]
  readonly volumes: boolean
}

/** Metrics of the presets and ids that were asked for, or those that fit what there is. */
export function chooseMetrics(names: readonly string[], material: Material): MetricEntry[] {
  if (names.length > 0) return resolveMetrics(names)
  return resolveMetrics(defaultNames(material))
}

function defaultNames({ samples, raters, kinds, volumes }: Material): string[] {
  if (samples > 1 || raters > 1) return ['multi-rater']
  if (kinds.includes('instances')) return ['nuclei']
  if (volumes) return ['dice', 'iou', 'hd95', 'assd', 'nsd'].filter((id) => metricCatalogue.has(id))
  return ['dice', 'iou', 'precision', 'recall', 'specificity', 'hd95'].filter((id) => metricCatalogue.has(id))
}

/** @returns the metrics that are defined for images of so many axes. @throws SeptumError `metric-dimensions`. */
export function forDimensions(entries: readonly MetricEntry[], axes: number): MetricEntry[] {
  const fitting = entries.filter(({ dimensions }) => dimensions.includes(axes as 2))
  if (fitting.length > 0) return fitting
  throw new SeptumError(
    'metric-dimensions',
    `None of the metrics is defined for ${axes}-dimensional masks: ${entries.map(({ id }) => id).join(', ')}`,
    'Choose others with --metrics, e.g. surface.',
    { option: '--metrics' },
  )
}

/** The most samples that any case of any method has. */
export const mostSamples = (cases: Iterable<PredictionFiles>): number => {
  let most = 1
  for (const { samples } of cases) most = Math.max(most, samples.length)
  return most
}
