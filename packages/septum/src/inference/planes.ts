import {
  type BundleManifest,
  type BundleModel,
  type MaskGraphs,
  mapsOfLogits,
  SeptumError,
} from '@septum/core'
import type { Size3 } from './grid/axis.js'
import { type Flip, flipsOver, mirror } from './grid/mirror.js'
import { restorePlanes } from './grid/restore-planes.js'
import { type RunWindows, slide } from './grid/slide.js'
import { planCentre, planWindows, type WindowPlan } from './grid/windows.js'
import { asSize3, type View } from './view.js'

/** Size and place of windows: see `PlaneOptions`. */
export type WindowChoice = 'trained' | 'centre' | 'whole' | readonly number[]

/**
 * What a model has seen in training: one that was trained on the centre of images and takes no other size knows nothing of
 * what lies around it, and is shown the centre alone; windows slide for every other one.
 */
export function usualWindow({ preprocessing, size }: BundleManifest): 'trained' | 'centre' {
  const { fit, crops = 'centre' } = preprocessing
  return fit === 'crop' && crops === 'centre' && size.fixed ? 'centre' : 'trained'
}

export interface PlaneOptions {
  /** Masks that a sampling model draws. */
  readonly samples: number
  readonly seed: number
  /** Number of the image in its series: draws depend on it. */
  readonly imageStream: number
  readonly overlap: number
  /**
   * Default: what fits the model (`usualWindow`). `trained`: windows of the trained size slide over the image; `centre`: one window of that size in the middle, with nothing marked around it; the `whole` image at once;
   * or a size of [H, W] or [D, H, W].
   */
  readonly window?: WindowChoice
  /** Axes that are also seen turned round, by models of one mask. */
  readonly flips: Flip
  /** Windows, or samples of a sampling model, that are run together. */
  readonly batch: number
  readonly signal?: AbortSignal
  readonly onWindows?: (count: number) => void
}

/** One plane of the image's own grid as one model sees it. */
export interface ModelPlane {
  /** [classes, H, W] in [0, 1]. */
  readonly probability: Float32Array
  /** Sampling models: [samples, classes, H, W], share in [0, 1] of what covers the pixel. */
  readonly samples?: Float32Array
}

/** Windows that a model needs for a view. @throws SeptumError `predict-window` for a size that the model cannot take. */
export function windowsOf(
  { manifest }: BundleModel,
  size: Size3,
  { window = usualWindow(manifest), overlap }: Pick<PlaneOptions, 'window' | 'overlap'>,
): WindowPlan {
  const { trained, fixed } = manifest.size
  const flat = manifest.dimensions === 2
  const wanted =
    window === 'trained' || window === 'centre'
      ? trained
      : window === 'whole'
        ? size.slice(flat ? 1 : 0)
        : window
  const differs = wanted.length !== trained.length || (fixed && wanted.some((side, i) => side !== trained[i]))
  if (differs) {
    throw new SeptumError(
      'predict-window',
      `The model takes ${trained.join(' x ')}${fixed ? ' only' : ''}, not windows of ${wanted.join(' x ')}`,
      'Leave --window out.',
      { option: 'window' },
    )
  }
  // Planes of a stack have a window each, wherever they lie.
  if (window === 'centre') return stackedCentre(size, asSize3(wanted))
  return planWindows(size, asSize3(wanted), overlap)
}

function stackedCentre(size: Size3, window: Size3): WindowPlan {
  const plan = planCentre(size, window)
  const [[, y, x]] = plan.starts as readonly [Size3]
  if (window[0] > 1) return plan
  return { ...plan, starts: Array.from({ length: size[0] }, (_, z): Size3 => [z, y, x]) }
}

/** Logits of a pixel that no window saw: background, without doubt, and still finite. */
const UNSEEN = -1e4

/**
 * Segments a view plane by plane, on the grid of the image. Logits of windows are averaged, then made probabilities,
 * then interpolated; the windows of a sample are averaged and cut where all is one image again.
 * @throws SeptumError of the model; the signal's reason when it is aborted.
 */
export async function* modelPlanes(
  model: BundleModel,
  view: View,
  options: PlaneOptions,
): AsyncGenerator<ModelPlane> {
  const plan = windowsOf(model, view.size, options)
  const { manifest } = model
  const { model: graphs } = manifest
  const sampling = graphs.kind === 'next-scale'
  const exclusive = !sampling && graphs.output === 'softmax'
  const classes = manifest.classes.length
  const layers = sampling ? options.samples * classes : mapCount(manifest)
  const run = sampling ? samplingRun(model, plan, options) : logitsRun(model, plan, options)
  const { signal, onWindows } = options
  const own = slide(view.image, plan, run, {
    channels: manifest.channels,
    layers,
    batch: sampling ? 1 : options.batch,
    outside: (layer) => (sampling || (exclusive && layer === 0) ? 0 : UNSEEN),
    ...(signal && { signal }),
    ...(onWindows && { onWindows }),
  })
  const shares = sampling ? own : probabilities(own, graphs.output, view.size[1] * view.size[2])
  const kept = sampling ? layers : classes
  for await (const plane of restorePlanes(shares, kept, view.back)) {
    yield sampling ? { samples: plane, probability: voteOf(plane, options.samples) } : { probability: plane }
  }
}

/** Maps that a model of one graph gives: its classes, after background where they exclude each other. */
export const mapCount = ({ classes, model }: BundleManifest): number =>
  classes.length + (model.kind === 'mask' && model.output === 'softmax' ? 1 : 0)

async function* probabilities(
  planes: AsyncIterable<Float32Array>,
  output: MaskGraphs['output'],
  pixels: number,
): AsyncGenerator<Float32Array> {
  for await (const plane of planes) yield mapsOfLogits(plane, pixels, output).probabilities
}

/** Share of the samples that mark a pixel. @param samples [samples, rest] shares. @returns [rest] */
function voteOf(samples: Float32Array, count: number): Float32Array {
  const votes = new Float32Array(samples.length / count)
  for (let s = 0; s < count; s++) {
    for (let i = 0; i < votes.length; i++) if (samples[s * votes.length + i]! > 0.5) votes[i]!++
  }
  return votes.map((each) => each / count)
}

/** Sizes as the model takes them: without z for one of planes. */
const modelSize = ({ manifest }: BundleModel, window: Size3): readonly number[] =>
  manifest.dimensions === 2 ? window.slice(1) : window

function logitsRun(model: BundleModel, { window }: WindowPlan, { flips }: PlaneOptions): RunWindows {
  const size = modelSize(model, window)
  const turned = flipsOver(flips, window)
  return async (windows, count) => {
    const shape = [count, model.manifest.channels, ...size]
    // Its own copy: a runtime may hand out memory that the next run reuses.
    const sum = (await model.logits!(windows, shape)).slice()
    for (const flip of turned.slice(1)) {
      const logits = await model.logits!(mirror(windows, window, flip), shape)
      const back = mirror(logits, window, flip)
      for (let i = 0; i < sum.length; i++) sum[i]! += back[i]!
    }
    if (turned.length > 1) for (let i = 0; i < sum.length; i++) sum[i]! /= turned.length
    return sum
  }
}

function samplingRun(model: BundleModel, { window }: WindowPlan, options: PlaneOptions): RunWindows {
  const size = modelSize(model, window)
  const { samples, seed, imageStream, batch, signal } = options
  // All windows of an image draw the same numbers, so that neighbours tend to the same hypothesis.
  return async (windows) => {
    const prediction = await model.predict(windows, size, {
      samples,
      seed,
      imageStream,
      rowsPerBatch: batch,
      ...(signal && { signal }),
    })
    return prediction.samples.data
  }
}
