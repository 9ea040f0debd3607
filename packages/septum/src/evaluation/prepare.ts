import { type LabelMap, labelComponents, type MetricInput, SeptumError } from '@septum/core'
import { knownLabels, maskOfClass } from './classes.js'
import { checkLabels, type Decoded, decodeFile, labelsOf, probabilitiesOf } from './decode.js'
import { type Grid, onGridOf } from './grid.js'
import type { PredictionFiles } from './predictions.js'
import type { ClassSpec, PredictionKind } from './types.js'
import { majority, meanMap, winners } from './vote.js'

/** What the raters of a case marked. */
export interface ReferenceCase extends Grid {
  /** One label map a rater. */
  readonly raters: readonly LabelMap[]
  /** Label of pixels that count for nobody. */
  readonly ignore?: number
}

/** What a method says of a case: label maps, and probability maps by class where it has them. */
export interface PredictedMaps {
  /** The fused mask. Where absent it comes of the probabilities, or is what most samples mark. */
  readonly labels?: LabelMap
  readonly probabilities?: readonly (Float32Array | undefined)[]
  readonly samples: readonly SampleMaps[]
}

export interface SampleMaps {
  readonly labels?: LabelMap
  readonly probabilities?: readonly Float32Array[]
}

export interface PrepareOptions {
  readonly classes: readonly ClassSpec[]
  readonly kind: Exclude<PredictionKind, 'auto'>
  readonly resample: boolean
  readonly threshold: number
  /** True where a metric compares objects. */
  readonly objects: boolean
}

/** Reads the files of one method and case, on the grid of the reference. */
export async function readPrediction(
  files: PredictionFiles,
  reference: Grid,
  options: PrepareOptions,
): Promise<PredictedMaps> {
  const { classes, kind } = options
  const open = async (file: string, continuous: boolean): Promise<Decoded> =>
    onGridOf(await decodeFile(file), reference, { resample: options.resample, continuous })
  const read = async (file: string): Promise<SampleMaps> => {
    if (kind === 'probabilities') return fromProbabilities(await open(file, true), options)
    const decoded = await open(file, false)
    const labels = labelsOf(decoded, 'prediction')
    if (kind === 'labels') checkLabels(labels, knownLabels(classes), 'prediction', file)
    return { labels }
  }
  const samples: SampleMaps[] = []
  for (const file of files.samples) samples.push(await read(file))
  const mask = files.mask === undefined ? {} : await read(files.mask)
  const maps = await probabilityMaps(files, open, options)
  return { samples, ...mask, ...(maps ? { probabilities: maps } : {}) }
}

/** The files of `probability/`: one for all classes, or one each. */
async function probabilityMaps(
  files: PredictionFiles,
  open: (file: string, continuous: boolean) => Promise<Decoded>,
  options: PrepareOptions,
): Promise<(Float32Array | undefined)[] | null> {
  const { '': whole, ...byClass } = files.probability
  if (whole !== undefined) return [...fromProbabilities(await open(whole, true), options).probabilities!]
  if (Object.keys(byClass).length === 0) return null
  const maps: (Float32Array | undefined)[] = []
  for (const { name } of options.classes) {
    const file = byClass[name]
    maps.push(file === undefined ? undefined : probabilitiesOf(await open(file, true))[0])
  }
  return maps
}

/** Channels of a probability file: one a class, or the background first. */
function fromProbabilities(decoded: Decoded, { classes, threshold }: PrepareOptions): SampleMaps {
  const maps = probabilitiesOf(decoded)
  const regions = classes.some(({ values }) => values !== null && values.length > 1)
  const background = maps.length === classes.length + 1 && !regions
  if (maps.length !== classes.length && !background) {
    throw new SeptumError(
      'probability-channels',
      `The probabilities have ${maps.length} channels for ${classes.length} classes`,
      'Write one channel a class, with or without the background as the first.',
      { file: decoded.file },
    )
  }
  const own = background ? maps.slice(1) : maps
  // Regions overlap and one class needs no rival: there the masks are cut from the maps, class by class.
  if (classes.length === 1 || regions) return { probabilities: own }
  const place = winners(own, background ? maps[0]! : null, threshold)
  const labels = place.map((at) => (at === 0 ? 0 : classes[at - 1]!.values![0]!))
  return { probabilities: own, labels }
}

/**
 * Everything that metrics may be computed from, for one class. What is absent `measureCase` derives: the
 * majority of several raters or samples for metrics of one mask, their share for metrics of probabilities.
 */
export function metricInput(
  reference: ReferenceCase,
  predicted: PredictedMaps,
  index: number,
  { classes, threshold, objects }: PrepareOptions,
): MetricInput {
  const one = classes[index]!
  const { size: shape, geometry } = reference
  const hide = hiderOf(reference)
  const maskOf = ({ labels, probabilities }: SampleMaps): Uint8Array =>
    hide(labels ? maskOfClass(labels, one) : cut(probabilities![index]!, threshold))
  const raters = reference.raters.map((labels) => hide(maskOfClass(labels, one)))
  const samples = predicted.samples.map(maskOf)
  const own = predicted.probabilities?.[index]
  const soft = samples.length > 0 && predicted.samples.every((sample) => sample.probabilities)
  const softSamples = soft
    ? predicted.samples.map((sample) => hide(sample.probabilities![index]!))
    : undefined
  const prediction = predicted.labels
    ? maskOf({ labels: predicted.labels })
    : samples.length > 0
      ? majority(samples)
      : cut(hide(own!), threshold)
  const fused = majority(raters)
  return {
    shape,
    ...(geometry ? { spacing: geometry.spacingMm } : {}),
    prediction,
    reference: fused,
    raters,
    ...(samples.length > 0 ? { samples } : {}),
    ...(softSamples ? { sampleProbabilities: softSamples } : {}),
    ...(own ? { probabilities: hide(own) } : softSamples ? { probabilities: meanMap(softSamples) } : {}),
    ...(objects ? objectMaps(reference, predicted, prediction, fused) : {}),
    ...partitions(reference, predicted, prediction, fused),
  }
}

const cut = (map: Float32Array, threshold: number): Uint8Array => {
  const mask = new Uint8Array(map.length)
  for (let i = 0; i < mask.length; i++) mask[i] = map[i]! > threshold ? 1 : 0
  return mask
}

/** Clears the pixels that the first rater marks with the label to ignore. */
function hiderOf({ raters, ignore }: ReferenceCase): <T extends Uint8Array | Float32Array>(map: T) => T {
  const labels = raters[0]!
  if (ignore === undefined || !labels.includes(ignore)) return (map) => map
  return (map) => map.map((value, i) => (labels[i] === ignore ? 0 : value)) as typeof map
}

/** Objects: by their numbers where files have them, else the connected components of the masks. */
function objectMaps(
  { raters, size }: ReferenceCase,
  { labels }: PredictedMaps,
  prediction: Uint8Array,
  reference: Uint8Array,
): Pick<MetricInput, 'predictedInstances' | 'referenceInstances'> {
  const numbered = (map: LabelMap | undefined, mask: Uint8Array): LabelMap =>
    map && several(map) ? map : labelComponents(mask, size, size.length === 2 ? 8 : 26).labels
  return {
    predictedInstances: numbered(labels, prediction),
    referenceInstances: numbered(raters.length === 1 ? raters[0] : undefined, reference),
  }
}

/** Label maps as partitions of the image; masks where there is no map of its own. */
function partitions(
  { raters }: ReferenceCase,
  { labels }: PredictedMaps,
  prediction: Uint8Array,
  reference: Uint8Array,
): Pick<MetricInput, 'predictedLabels' | 'referenceLabels'> {
  const own = labels && raters.length === 1
  return { predictedLabels: own ? labels : prediction, referenceLabels: own ? raters[0]! : reference }
}

function several(labels: LabelMap): boolean {
  const first = labels.find((value) => value !== 0)
  return labels.some((value) => value !== 0 && value !== first)
}
