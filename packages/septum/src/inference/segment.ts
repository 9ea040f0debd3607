import {
  type BundleModel,
  entropyMap,
  type ImageGeometry,
  LabelFusion,
  type LabelRule,
  labelsOfClass,
  type MedicalImage,
  varianceMap,
} from '@septum/core'
import { type ClassCleaning, cleanLabels } from './clean.js'
import { exclusiveLabels } from './labels.js'
import { MarkedSums } from './marked-sums.js'
import { type ModelPlane, modelPlanes, type PlaneOptions } from './planes.js'
import { type ClassStatistics, classStatistics, sampleMm } from './statistics.js'
import { asSize3, viewOf } from './view.js'

export interface SegmentOptions extends PlaneOptions {
  /** Keeps probability and uncertainty of every class. */
  readonly maps: boolean
  readonly cleaning: CleaningRules
}

/** What is done with small components, in samples or in mm² and mm³. */
export interface CleaningRules {
  /** Classes of which only the largest component stays. */
  readonly keepLargest: readonly string[]
  /** Smaller components of a class go. `mm`: area in mm² or volume in mm³, for images that have a spacing. */
  readonly least: Readonly<Record<string, { readonly size: number; readonly unit: 'samples' | 'mm' }>>
}

export const noCleaning: CleaningRules = { keepLargest: [], least: {} }

/** A segmented case on the grid of its image. */
export interface SegmentedCase {
  /** [H, W] or [D, H, W] */
  readonly size: readonly number[]
  readonly geometry?: ImageGeometry
  /** [...size], 0 background, the labels of the manifest's classes (`maskOfClass` tells where one is). */
  readonly labels: Uint8Array
  /** Label maps of the hypotheses; empty for methods of one mask. */
  readonly samples: readonly Uint8Array[]
  /** [classes, ...size] with the option `maps`. */
  readonly probability?: Float32Array
  readonly uncertainty?: Float32Array
  readonly statistics: readonly ClassStatistics[]
}

/**
 * Segments one image with one or several models at its full size. Of several models the mean of the probabilities
 * counts, and the hypotheses of all that sample stand side by side.
 *
 * Memory: the image, one float32 copy for each model, as many planes of all classes as a window is deep, and what is
 * kept: labels, one label map for each hypothesis, maps if asked for.
 *
 * @param image as read, with the channels that the models take. @param models that agree (`agreementOf`).
 * @throws SeptumError of preprocessing and runtime; the signal's reason when it is aborted.
 */
export async function segmentImage(
  models: readonly BundleModel[],
  image: MedicalImage,
  options: SegmentOptions,
): Promise<SegmentedCase> {
  const size = image.shape.slice(1)
  const [depth, height, width] = asSize3(size)
  const pixels = height * width
  const { classes, paintOrder, model: graphs } = models[0]!.manifest
  const names = classes.map(({ name }) => name)
  const rule = { labels: classes.map(({ label }) => label), ...(paintOrder && { order: paintOrder }) }
  const own = classes.map((entry) => Uint8Array.from({ length: 256 }, marks(labelsOfClass(entry))))
  const exclusive = !paintOrder && graphs.kind === 'mask' && graphs.output === 'softmax'
  const total = depth * pixels
  const labels = new Uint8Array(total)
  const samples: Uint8Array[] = []
  const probability = options.maps ? new Float32Array(names.length * total) : undefined
  const uncertainty = options.maps ? new Float32Array(names.length * total) : undefined
  const sums = new MarkedSums(own)
  const streams = models.map((model) => modelPlanes(model, viewOf(model.manifest, image), options))
  try {
    for (let z = 0; z < depth; z++) {
      const planes: ModelPlane[] = []
      for (const stream of streams) {
        const { value } = await stream.next()
        if (value) planes.push(value)
      }
      const mean = meanOf(planes.map((plane) => plane.probability))
      const perClass = names.map((_, c) => mean.subarray(c * pixels, (c + 1) * pixels))
      const sampled = planes.some((plane) => plane.samples)
      const doubts = perClass.map(sampled ? entropyMap : varianceMap)
      const plane = exclusive ? exclusiveLabels(perClass) : fused(perClass, rule)
      labels.set(plane, z * pixels)
      for (const [c, map] of perClass.entries()) {
        sums.add(c, plane, z * pixels, map, doubts[c]!)
        probability?.set(map, c * total + z * pixels)
        uncertainty?.set(doubts[c]!, c * total + z * pixels)
      }
      hypotheses(planes, rule, pixels).forEach((sample, s) => {
        samples[s] ??= new Uint8Array(total)
        samples[s].set(sample, z * pixels)
      })
    }
  } finally {
    for (const stream of streams) await stream.return(undefined)
  }
  const { geometry } = image
  const cleaning = resolveCleaning(options.cleaning, names, geometry)
  for (const map of [labels, ...samples]) cleanLabels(map, size, cleaning, classes, paintOrder)
  const { probability: probabilitySums, uncertainty: uncertaintySums } = sums.over(labels)
  const measured = { labels, size, samples, probabilitySums, uncertaintySums, ...(geometry && { geometry }) }
  return {
    size,
    ...(geometry && { geometry }),
    labels,
    samples,
    ...(probability && uncertainty && { probability, uncertainty }),
    statistics: classStatistics(classes, measured),
  }
}

function meanOf(maps: readonly Float32Array[]): Float32Array {
  if (maps.length === 1) return maps[0]!
  const mean = new Float32Array(maps[0]!.length)
  for (const map of maps) for (let i = 0; i < mean.length; i++) mean[i]! += map[i]! / maps.length
  return mean
}

/** 1 at the labels of a list. */
const marks = (labels: readonly number[]) => (_: unknown, label: number) => Number(labels.includes(label))

function fused(maps: readonly Float32Array[], rule: LabelRule): Uint8Array {
  const fusion = new LabelFusion(maps[0]!.length, rule)
  for (const [c, map] of maps.entries()) fusion.add(c, map)
  return fusion.labels
}

/** Label planes of all samples of all models that draw some. */
function hypotheses(planes: readonly ModelPlane[], rule: LabelRule, pixels: number): Uint8Array[] {
  const classes = rule.labels.length
  return planes.flatMap(({ samples }) => {
    if (!samples) return []
    return Array.from({ length: samples.length / (classes * pixels) }, (_, s) =>
      fused(
        Array.from({ length: classes }, (_, c) =>
          samples.subarray((s * classes + c) * pixels, (s * classes + c + 1) * pixels),
        ),
        rule,
      ),
    )
  })
}

/** Sizes in mm become numbers of samples; without a spacing they say nothing, and nothing is removed. */
function resolveCleaning(
  { keepLargest, least }: CleaningRules,
  names: readonly string[],
  geometry: ImageGeometry | undefined,
): (ClassCleaning | undefined)[] {
  return names.map((name) => {
    const rule = least[name]
    const one = rule?.unit === 'mm' ? geometry && sampleMm(geometry) : 1
    const leastSamples = rule && one ? Math.ceil(rule.size / one - 1e-9) : 0
    return { keepLargest: keepLargest.includes(name), leastSamples }
  })
}
