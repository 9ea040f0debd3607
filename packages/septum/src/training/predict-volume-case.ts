import { LabelFusion, type MultiRaterScores, multiRaterScores, packMask } from '@septum/core'
import type { SegmentationCase, Stored } from '../datasets/index.js'
import type { SegmentationModel } from '../methods/method.js'
import type { PredictedCase, PredictedClass } from './api.js'
import { labelRule } from './label-map.js'
import { IGNORED } from './labels.js'
import { shownValues } from './picture.js'
import type { CaseOptions } from './predict-case.js'
import { predictVolume, type VolumeProbabilities } from './predict-volume.js'
import type { RunTask } from './workplace.js'

/**
 * Segments a volume of a data set as `predictVolume` does, with its reference. Masks are those of the label map that
 * would be written, of regions each by itself; maps are made when they are looked at, since a volume's are large.
 * @param stored as the files hold it, with masks where the case has them
 */
export async function predictVolumeCase(
  model: SegmentationModel,
  task: RunTask,
  { name, patient }: Pick<SegmentationCase, 'name' | 'patient'>,
  stored: Stored,
  options: CaseOptions,
): Promise<PredictedCase> {
  const { size, geometry, image } = stored
  const [depth, height, width] = size as readonly [number, number, number]
  const samples = depth * height * width
  const maps = await predictVolume(model, task, stored, options)
  const labels = task.regions ? null : fusedLabels(maps, samples)
  return {
    name,
    patient,
    width,
    height,
    depth,
    ...(geometry ? { spacingMm: geometry.spacingMm } : {}),
    get image() {
      return shownValues(stored)
    },
    channels: image.length / samples,
    classes: task.classes.map((_, c) => classOf(c, { task, stored, maps, labels })),
  }
}

/** 1 where a probability is above one half. */
function cut(map: Float32Array): Uint8Array {
  const mask = new Uint8Array(map.length)
  for (let i = 0; i < mask.length; i++) if (map[i]! > 0.5) mask[i] = 1
  return mask
}

function fusedLabels(maps: VolumeProbabilities, samples: number): Uint8Array {
  const fusion = new LabelFusion(samples, labelRule(maps.classes))
  for (let c = 0; c < maps.classes; c++) fusion.add(c, maps.map(c))
  return fusion.labels
}

interface Parts {
  readonly task: RunTask
  readonly stored: Stored
  readonly maps: VolumeProbabilities
  /** null: classes are regions. */
  readonly labels: Uint8Array | null
}

function classOf(index: number, { task, stored, maps, labels }: Parts): PredictedClass {
  const { masks, size } = stored
  const samples = size.reduce((a, b) => a * b, 1)
  const first = masks.subarray(0, samples)
  const hides = task.ignores === true && first.includes(IGNORED)
  const clear = <T extends Uint8Array | Float32Array>(map: T): T => {
    if (hides) for (let i = 0; i < samples; i++) if (first[i] === IGNORED) map[i] = 0
    return map
  }
  const marks = (labelsOf: Uint8Array, wanted: ReadonlySet<number>) =>
    clear(labelsOf.map((label) => Number(wanted.has(label))))
  const own = new Set(task.regions?.[index] ?? [index + 1])
  const probability = () => clear(maps.map(index))
  const mask = () => (labels ? marks(labels, new Set([index + 1])) : cut(probability()))
  const raters = () =>
    Array.from({ length: masks.length / samples }, (_, r) =>
      marks(masks.subarray(r * samples, (r + 1) * samples), own),
    )
  const scores = (): MultiRaterScores => multiRaterScores([packMask(mask())], raters().map(packMask))
  return {
    name: task.classes[index]!,
    get probability() {
      return probability()
    },
    get uncertainty() {
      return probability().map((p) => 4 * p * (1 - p))
    },
    get samples() {
      return [mask()]
    },
    stages: [],
    get raters() {
      return raters()
    },
    scores: masks.length === 0 ? {} : { ...scores() },
  }
}
