import { noGrad, scope, type Tensor } from '@septum/torch'
import type { Batch, Phase, SegmentationModel, Task } from '../../methods/method.js'

/** One validation case as a person looks at it: one plane, row-major. */
export interface ShownCase {
  readonly name: string
  /** [height, width] */
  readonly size: readonly [number, number]
  /** By channel, in the values that the network sees. */
  readonly image: readonly Float32Array[]
  /** By class: the share of raters that mark a pixel, and the probability that the model gives it. */
  readonly classes: readonly { readonly reference: Float32Array; readonly prediction: Float32Array }[]
}

/** Fewer than a validation takes: the picture must not cost more than the score. */
const SAMPLES = 4

/** More than a person tells apart. */
const MOST_CLASSES = 8

/**
 * What a phase makes of the cases of a batch. Call it with the weights of the validation, in eval mode.
 * @returns at most `count` cases, those with marks first; of a volume the slice with the most marks.
 */
export async function shownCases(
  model: SegmentationModel,
  phase: Phase,
  task: Task,
  batch: Batch,
  count: number,
): Promise<ShownCase[]> {
  const size = batch.images.shape.slice(2)
  const raters = phase.show ? 1 : batch.masks.size(1)
  const masks = floatsOf(batch.masks)
  const samples = size.reduce((a, b) => a * b, 1)
  const labels = task.classes.slice(0, MOST_CLASSES).map((_, i) => task.regions?.[i] ?? [i + 1])
  const perCase = batch.masks.size(1) * samples
  const referenceOf = (n: number) =>
    labels.map((own) => meanOf(masks.subarray(n * perCase, n * perCase + raters * samples), samples, own))
  const references = batch.cases.map((_, n) => referenceOf(n))
  const marked = (n: number) => references[n]!.some((reference) => reference.some((value) => value > 0))
  const chosen = batch.cases
    .map((_, n) => n)
    .sort((a, b) => Number(marked(b)) - Number(marked(a)) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b)
  const images = floatsOf(batch.images)
  const channels = batch.images.size(1)
  const shown: ShownCase[] = []
  for (const n of chosen) {
    const reference = references[n]!
    const predicted = await probabilitiesOf(model, phase, batch, n)
    const slice = size.length === 3 ? fullestSlice(reference, size) : 0
    const [height, width] = size.slice(-2) as [number, number]
    const plane = (from: Float32Array, map: number) =>
      from.slice(map * samples + slice * height * width, map * samples + (slice + 1) * height * width)
    shown.push({
      name: batch.cases[n]!,
      size: [height, width],
      image: Array.from({ length: channels }, (_, c) => plane(images, n * channels + c)),
      classes: reference.map((map, k) => ({ reference: plane(map, 0), prediction: plane(predicted, k) })),
    })
  }
  return shown
}

/** [classes, ...size] of case `n`. */
async function probabilitiesOf(
  model: SegmentationModel,
  phase: Phase,
  batch: Batch,
  n: number,
): Promise<Float32Array> {
  const one = (t: Tensor) => scope(() => t.narrow(0, n, 1).contiguous())
  const images = one(batch.images)
  const masks = one(batch.masks)
  try {
    if (phase.show) {
      const own: Batch = { images, masks, cases: [batch.cases[n]!], step: batch.step }
      const maps = scope(() => noGrad(() => phase.show!(own)))
      const data = floatsOf(maps)
      maps.free()
      return data
    }
    const options = { samples: SAMPLES, seed: 0, firstImage: n, rule: 'vote', stages: false } as const
    return (await model.predict(images, options)).probabilities.data
  } finally {
    images.free()
    masks.free()
  }
}

function floatsOf(tensor: Tensor): Float32Array {
  const plain = scope(() => tensor.to({ device: 'cpu' }).float().contiguous())
  const data = Float32Array.from(plain.toTypedArray() as Float32Array)
  plain.free()
  return data
}

/** Share of the maps that hold one of the labels at each sample. */
function meanOf(maps: Float32Array, samples: number, labels: readonly number[]): Float32Array {
  const share = new Float32Array(samples)
  const count = maps.length / samples
  for (let i = 0; i < maps.length; i++) if (labels.includes(maps[i]!)) share[i % samples]! += 1 / count
  return share
}

function fullestSlice(references: readonly Float32Array[], [depth, ...plane]: readonly number[]): number {
  const pixels = plane.reduce((a, b) => a * b, 1)
  let best = Math.floor(depth! / 2)
  let most = 0
  for (let z = 0; z < depth!; z++) {
    let sum = 0
    for (const map of references) for (let i = z * pixels; i < (z + 1) * pixels; i++) sum += map[i]!
    if (sum > most) [best, most] = [z, sum]
  }
  return best
}
