import { type ConsensusRule, type MultiRaterScores, multiRaterScores, packMask } from '@septum/core'
import { F, scope, tensor } from '@septum/torch'
import { preprocess, restore } from '../datasets/index.js'
import type { Prediction, SegmentationModel, Volume } from '../methods/method.js'
import type { PredictedCase, PredictedClass } from './api.js'
import { IGNORED } from './labels.js'
import type { Picture } from './picture.js'
import { predictTiles } from './predict-tiles.js'
import type { RunTask } from './workplace.js'

export interface CaseOptions {
  readonly samples: number
  readonly seed: number
  /** Position of the case in its series; draws depend on it. */
  readonly index: number
  readonly rule?: ConsensusRule
  readonly stages: boolean
  /** How the picture came to the size that the network sees. */
  readonly resize: 'crop' | 'stretch'
  readonly device: string
  readonly signal?: AbortSignal
}

/**
 * Copies an image into the window of another size at its centre, or `back` from the window into an image; what
 * lies outside stays as it is.
 */
function copyCentre(
  from: Float32Array,
  fromSize: readonly number[],
  to: Float32Array,
  toSize: readonly number[],
  back = false,
): Float32Array {
  const [fh, fw] = fromSize as [number, number]
  const [th, tw] = toSize as [number, number]
  // The same rule as for centre crops in training: the rest of an odd difference goes to the far side.
  // The way back undoes the way there, or masks would lie a pixel beside what they mark.
  const offset = (own: number, other: number) =>
    back ? -Math.floor((other - own) / 2) : Math.floor((own - other) / 2)
  const [top, left] = [offset(fh, th), offset(fw, tw)]
  for (let y = Math.max(0, -top); y < Math.min(th, fh - top); y++) {
    for (let x = Math.max(0, -left); x < Math.min(tw, fw - left); x++) {
      to[y * tw + x] = from[(y + top) * fw + x + left]!
    }
  }
  return to
}

/** Resizes a map with half-pixel centres, as training does. */
function stretch(
  from: Float32Array,
  fromSize: readonly number[],
  toSize: readonly number[],
  mode: 'bilinear' | 'nearest',
): Float32Array {
  const resized = scope(() =>
    F.interpolate(tensor(from, { shape: [1, 1, ...fromSize] }), { size: toSize, mode }).contiguous(),
  )
  const data = resized.toTypedArray() as Float32Array
  resized.free()
  return data
}

/** The image of a picture as the network wants it, and the way of a map back to the picture's own grid. */
interface Prepared {
  /** [C, ...size] */
  readonly image: Float32Array
  readonly size: readonly number[]
  back(map: Float32Array, mode: 'bilinear' | 'nearest'): Float32Array
}

function prepare({ image, height, width, stored }: Picture, { preprocessing }: RunTask): Prepared {
  if (!preprocessing || !stored) return { image, size: [height, width], back: (map) => map }
  const { image: made, size } = preprocess({ ...stored, masks: new Uint8Array(0) }, preprocessing)
  return {
    image: made,
    size,
    back: (map, mode) =>
      restore(map, [height, width], stored.geometry, preprocessing, mode === 'nearest' ? mode : 'linear'),
  }
}

/** One plane of a volume at the size of the picture: stretched back, or at the centre with 0 around it. */
function plane(
  volume: Volume,
  index: number,
  { size, back }: Prepared,
  { resize }: CaseOptions,
  mode: 'bilinear' | 'nearest' = 'bilinear',
): Float32Array {
  const [height, width] = volume.shape.slice(-2) as [number, number]
  const from = volume.data.subarray(index * height * width, (index + 1) * height * width)
  if (resize === 'stretch') {
    // Interpolated ones may come out a rounding above 1, which no score takes for a probability.
    const stretched = stretch(from, [height, width], size, mode).map((p) => Math.min(1, Math.max(0, p)))
    return back(stretched, mode)
  }
  const pasted = copyCentre(from, [height, width], new Float32Array(size[0]! * size[1]!), size, true)
  return back(pasted, mode)
}

/**
 * Masks of one class by rater, and what clears the samples that the first rater left out: they are cleared in masks of
 * raters and predictions alike, as when written masks are scored.
 */
function referenceOf({ masks, regions }: Picture, { ignores }: RunTask, index: number, pixels: number) {
  if (!masks) return { raters: [], clear: <T>(map: T) => map }
  const labels = new Set(regions?.[index] ?? [index + 1])
  const first = masks.subarray(0, pixels)
  const hides = ignores && first.includes(IGNORED)
  const clear = <T extends Uint8Array | Float32Array>(map: T): T =>
    hides ? (map.map((value, i) => (first[i] === IGNORED ? 0 : value)) as T) : map
  const raters = Array.from({ length: masks.length / pixels }, (_, r) =>
    clear(masks.subarray(r * pixels, (r + 1) * pixels).map((value) => (labels.has(value) ? 1 : 0))),
  )
  return { raters, clear }
}

/** Scores of one class against its raters, by the names of the core's multi-rater scores. */
function scoresOf(samples: readonly Uint8Array[], raters: readonly Uint8Array[]): Record<string, number> {
  if (raters.length === 0) return {}
  const scores: MultiRaterScores = multiRaterScores(
    samples.map((mask) => packMask(mask)),
    raters.map((mask) => packMask(mask)),
  )
  return { ...scores }
}

/** Maps of what the network sees of a picture: its centre, the stretched whole, or all of it in patches. */
async function predictionOf(
  model: SegmentationModel,
  task: RunTask,
  { image, size }: Prepared,
  { samples, seed, index, rule = 'vote', stages, resize, device, signal }: CaseOptions,
): Promise<Prediction> {
  const asked = { samples, seed, firstImage: index, rule, stages, signal }
  const window = task.imageSize as readonly [number, number]
  const [height, width] = size as readonly [number, number]
  if (task.patches && resize === 'crop') {
    const tiles = { size: [height, width], patch: window, classes: task.classes.length } as const
    return predictTiles(model, image, { ...tiles, device, predict: asked })
  }
  const given = image.length / (height * width)
  const input = new Float32Array(given * window[0] * window[1])
  for (let c = 0; c < given; c++) {
    const part = input.subarray(c * window[0] * window[1], (c + 1) * window[0] * window[1])
    const own = image.subarray(c * height * width, (c + 1) * height * width)
    if (resize === 'stretch') part.set(stretch(own, size, window, 'bilinear'))
    else copyCentre(own, size, part, window)
  }
  const images = tensor(input, { shape: [1, given, ...window], device })
  return model.predict(images, asked).finally(() => images.free())
}

/**
 * Segments one picture. The network sees its centre window, which is pasted back with nothing marked around
 * it, or the stretched picture, whose masks are stretched back. With `task.ignores`, nothing is marked where the
 * reference leaves samples out.
 */
export async function predictCase(
  model: SegmentationModel,
  task: RunTask,
  picture: Picture,
  options: CaseOptions,
): Promise<PredictedCase> {
  const { height, width, channels } = picture
  const pixels = height * width
  const prepared = prepare(picture, task)
  const prediction = await predictionOf(model, task, prepared, options)
  const window = prediction.probabilities.shape.slice(2) as [number, number]
  const classCount = task.classes.length
  const empty = {
    data: new Float32Array(classCount * window[0] * window[1]),
    shape: [1, classCount, ...window],
  }
  const { probabilities, uncertainty = empty, samples, stages = [] } = prediction
  const sampleCount = samples?.shape[0] ?? 0
  const classes = task.classes.map((name, c): PredictedClass => {
    const { raters, clear } = referenceOf(picture, task, c, pixels)
    const drawn = Array.from({ length: sampleCount }, (_, s) =>
      clear(Uint8Array.from(plane(samples!, s * classCount + c, prepared, options, 'nearest'))),
    )
    const probability = clear(plane(probabilities, c, prepared, options))
    return {
      name,
      probability,
      uncertainty: plane(uncertainty, c, prepared, options),
      samples: drawn,
      stages: stages.map(({ name: label, probabilities: at }) => ({
        label,
        probabilities: plane(at, c, prepared, options),
      })),
      raters,
      scores: scoresOf(drawn, raters),
    }
  })
  return {
    name: picture.name,
    patient: picture.patient,
    width,
    height,
    image: picture.image,
    channels,
    classes,
  }
}
