import { SeptumError } from '../error.js'
import {
  type CaseMeasures,
  type Curves,
  defaultMetricOptions,
  type LabelMap,
  type Mask,
  type MetricInput,
  type MetricOptions,
  type MetricSource,
  type MetricValue,
  type ProbabilityMap,
} from './catalogue.js'
import { checkLength, gridOf } from './grid.js'
import { metricFamilies, resolveMetrics } from './registry.js'
import { checkProbabilities, greyMap } from './sweep/grey.js'

/**
 * Scores one case of one class or region. Metrics of one family share their passes over the pixels.
 * @param names ids and presets. @param input see `MetricInput` for what stands in for absent fields.
 * @returns one value for each metric, with which side was empty.
 * @throws SeptumError `metric-unknown`, `metric-input` (what is missing), `metric-shape`, `metric-spacing`,
 * `metric-values` (a probability that is NaN or outside [0, 1]), `metric-dimensions`.
 * @example measureCase(['polyp', 'hd95'], { shape: [352, 352], probabilities, reference }).values.meanDice.value
 */
export function measureCase(
  names: readonly string[],
  input: MetricInput,
  options: Partial<MetricOptions> = {},
): CaseMeasures {
  const settings = { ...defaultMetricOptions, ...options }
  const entries = resolveMetrics(names)
  const complete = completeInput(input, settings)
  for (const { id, input: source, dimensions } of entries) {
    if (!has(complete, source)) throw missing(id, source)
    if (!dimensions.includes(input.shape.length as 2 | 3)) throw notDefined(id, input.shape)
  }
  const wanted = new Set(entries.map((entry) => entry.id))
  const values: Record<string, MetricValue> = {}
  let curves: Curves | undefined
  for (const family of metricFamilies) {
    const mine = new Set(family.entries.map((entry) => entry.id).filter((id) => wanted.has(id)))
    if (mine.size === 0) continue
    const measured = family.measure(complete, mine, settings)
    for (const id of mine) {
      values[id] = { value: measured.values[id]!, empty: measured.emptyOf?.[id] ?? measured.empty }
    }
    curves ??= measured.curves
  }
  // In the order of the names, whatever the order of the families.
  const ordered = Object.fromEntries(entries.map(({ id }) => [id, values[id]!]))
  return curves ? { values: ordered, curves } : { values: ordered }
}

/** Checks sizes and values, and derives what is absent from what is there. */
function completeInput(input: MetricInput, options: MetricOptions): MetricInput {
  const { pixels } = gridOf(input.shape, input.spacing)
  const single: readonly (readonly [string, Mask | ProbabilityMap | LabelMap | undefined])[] = [
    ['prediction', input.prediction],
    ['reference', input.reference],
    ['probability map', input.probabilities],
    ['predicted label map', input.predictedLabels],
    ['reference label map', input.referenceLabels],
    ['predicted instance map', input.predictedInstances],
    ['reference instance map', input.referenceInstances],
    ...(input.samples ?? []).map((sample) => ['sample', sample] as const),
    ...(input.sampleProbabilities ?? []).map((sample) => ['sample', sample] as const),
    ...(input.raters ?? []).map((rater) => ["rater's mask", rater] as const),
  ]
  for (const [what, map] of single) if (map) checkLength(map, pixels, what)
  for (const map of [input.probabilities, ...(input.sampleProbabilities ?? [])])
    if (map) checkProbabilities(map)
  const samples = input.samples?.length
    ? input.samples
    : input.sampleProbabilities?.map((sample) => masked(sample, options))
  const prediction =
    input.prediction ??
    (input.probabilities ? masked(input.probabilities, options) : samples && majority(samples))
  const reference = input.reference ?? (input.raters?.length ? majority(input.raters) : undefined)
  const probabilities =
    input.probabilities ??
    (samples && samples.length > 1 ? shares(samples) : prediction && certain(prediction))
  const sampleSet = samples ?? (prediction && [prediction])
  const raterSet = input.raters?.length ? input.raters : reference && [reference]
  return {
    ...input,
    ...(prediction && { prediction }),
    ...(reference && { reference }),
    ...(probabilities && { probabilities }),
    ...(sampleSet && { samples: sampleSet }),
    ...(raterSet && { raters: raterSet }),
  }
}

function masked(map: ProbabilityMap, { threshold, stretchBeforeThreshold }: MetricOptions): Mask {
  return above(stretchBeforeThreshold ? greyMap(map, true).values : map, threshold)
}

function above(map: ProbabilityMap, threshold: number): Mask {
  const mask = new Uint8Array(map.length)
  if (map instanceof Uint8Array) {
    const marked = Uint8Array.from({ length: 256 }, (_, value) => (value / 255 > threshold ? 1 : 0))
    for (let i = 0; i < map.length; i++) mask[i] = marked[map[i]!]!
  } else {
    for (let i = 0; i < map.length; i++) mask[i] = map[i]! > threshold ? 1 : 0
  }
  return mask
}

/** Share of the masks that mark each pixel. */
function shares(masks: readonly Mask[]): Float64Array {
  const share = new Float64Array(masks[0]!.length)
  for (const mask of masks) for (let i = 0; i < mask.length; i++) share[i]! += mask[i] === 0 ? 0 : 1
  return share.map((count) => count / masks.length)
}

/** Pixels that more than half of the masks mark. */
function majority(masks: readonly Mask[]): Mask {
  return masks.length === 1 ? masks[0]! : above(shares(masks), 0.5)
}

function certain(mask: Mask): Uint8Array {
  return mask.map((value) => (value === 0 ? 0 : 255))
}

function has(input: MetricInput, source: MetricSource): boolean {
  switch (source) {
    case 'mask':
      return Boolean(input.prediction && input.reference)
    case 'probabilities':
      return Boolean(input.probabilities && input.reference)
    case 'hypotheses':
      return Boolean(input.samples?.length && input.raters?.length)
    case 'labels':
      return Boolean(input.predictedLabels && input.referenceLabels)
    case 'instances':
      // Objects are the connected components of a mask where no map numbers them.
      return Boolean(
        (input.predictedInstances ?? input.prediction) && (input.referenceInstances ?? input.reference),
      )
  }
}

const NEEDED: Readonly<Record<MetricSource, string>> = {
  mask: 'a predicted mask and a reference',
  probabilities: 'a probability map and a reference',
  hypotheses: 'samples and raters',
  labels: 'label maps of prediction and reference',
  instances: 'instance maps or masks of prediction and reference',
}

function missing(id: string, source: MetricSource): SeptumError {
  return new SeptumError(
    'metric-input',
    `The metric ${id} needs ${NEEDED[source]}`,
    'Give both, or leave the metric out.',
  )
}

function notDefined(id: string, shape: readonly number[]): SeptumError {
  return new SeptumError(
    'metric-dimensions',
    `The metric ${id} is not defined for a map of shape [${shape.join(', ')}]`,
    'Leave it out, or score the slices of a volume one by one.',
  )
}
