import { type ConsensusRule, type MultiRaterScores, multiRaterScores, packMask } from '@septum/core'
import { F, scope, tensor } from '@septum/torch'
import type { SegmentationModel, Task, Volume } from '../methods/method.js'
import type { PredictedCase, PredictedClass } from './api.js'

/** A picture to segment, with what its raters marked where that is known. */
export interface Picture {
  readonly name: string
  readonly patient: string
  readonly height: number
  readonly width: number
  readonly channels: number
  /** [C, H, W] in [0, 1]. */
  readonly image: Float32Array
  /** [R, H, W] label values; null without a reference. */
  readonly masks: Uint8Array | null
}

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

/** One plane of a volume at the size of the picture: stretched back, or at the centre with 0 around it. */
function plane(
  volume: Volume,
  index: number,
  size: readonly number[],
  { resize }: CaseOptions,
  mode: 'bilinear' | 'nearest' = 'bilinear',
): Float32Array {
  const [height, width] = volume.shape.slice(-2) as [number, number]
  const from = volume.data.subarray(index * height * width, (index + 1) * height * width)
  if (resize === 'stretch') return stretch(from, [height, width], size, mode)
  return copyCentre(from, [height, width], new Float32Array(size[0]! * size[1]!), size, true)
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

/**
 * Segments one picture. The network sees its centre window, which is pasted back with nothing marked around
 * it, or the stretched picture, whose masks are stretched back.
 */
export async function predictCase(
  model: SegmentationModel,
  task: Task,
  picture: Picture,
  options: CaseOptions,
): Promise<PredictedCase> {
  const { height, width, channels } = picture
  const size = [height, width] as const
  const window = task.imageSize as readonly [number, number]
  const pixels = height * width
  const input = new Float32Array(channels * window[0] * window[1])
  for (let c = 0; c < channels; c++) {
    const part = input.subarray(c * window[0] * window[1], (c + 1) * window[0] * window[1])
    const own = picture.image.subarray(c * pixels, (c + 1) * pixels)
    if (options.resize === 'stretch') part.set(stretch(own, size, window, 'bilinear'))
    else copyCentre(own, size, part, window)
  }
  const images = tensor(input, { shape: [1, channels, ...window], device: options.device })
  try {
    const prediction = await model.predict(images, {
      samples: options.samples,
      seed: options.seed,
      firstImage: options.index,
      rule: options.rule ?? 'vote',
      stages: options.stages,
      signal: options.signal,
    })
    const classCount = task.classes.length
    const empty = {
      data: new Float32Array(classCount * window[0] * window[1]),
      shape: [1, classCount, ...window],
    }
    const { probabilities, uncertainty = empty, samples, stages = [] } = prediction
    const sampleCount = samples?.shape[0] ?? 0
    const classes = task.classes.map((name, c): PredictedClass => {
      const drawn = Array.from({ length: sampleCount }, (_, s) =>
        Uint8Array.from(plane(samples!, s * classCount + c, size, options, 'nearest')),
      )
      const raters = picture.masks
        ? Array.from({ length: picture.masks.length / pixels }, (_, r) =>
            picture.masks!.subarray(r * pixels, (r + 1) * pixels).map((value) => (value === c + 1 ? 1 : 0)),
          )
        : []
      const probability = plane(probabilities, c, size, options)
      return {
        name,
        probability,
        uncertainty: plane(uncertainty, c, size, options),
        samples: drawn,
        stages: stages.map(({ name: label, probabilities: at }) => ({
          label,
          probabilities: plane(at, c, size, options),
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
  } finally {
    images.free()
  }
}
