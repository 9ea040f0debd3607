import { F, scope, tensor } from '@septum/torch'
import { preprocess, restore, type Stored } from '../datasets/index.js'
import { resizeCase } from '../datasets/resize.js'
import type { SegmentationModel } from '../methods/method.js'
import type { CaseOptions } from './predict-case.js'
import { slideVolume } from './slide-volume.js'
import type { RunTask } from './workplace.js'

type Size = readonly number[]
const product = (size: Size): number => size.reduce((a, b) => a * b, 1)

/** A step of a stored probability: 65,535 of them make 1. */
const STEPS = 65_535

/** Probabilities of a volume: kept at 16 bits a sample, given out map by map. */
export interface VolumeProbabilities {
  readonly classes: number
  /** A new map [D, H, W] of class `index` in [0, 1], on the grid of the file. */
  map(index: number): Float32Array
}

/**
 * Segments a volume in overlapping patches ({@link slideVolume}), or stretched to the network's size where the run was
 * trained so. Memory: the volume, one float32 copy of it while patches are cut, the sums of as many planes as a patch is
 * deep, and 2 bytes a sample and class; of floats of whole volumes there is one map at a time.
 * @param stored as the file holds it, [C, D, H, W] with the channels that the run was trained on
 */
export async function predictVolume(
  model: SegmentationModel,
  task: RunTask,
  stored: Stored,
  options: CaseOptions,
): Promise<VolumeProbabilities> {
  const { preprocessing, classes, imageSize } = task
  const { size, geometry } = stored
  const stretch = options.resize === 'stretch'
  const seen = seenBy(task, stored, stretch)
  const pixels = product(seen.size.slice(1))
  const maps = classes.map(() => new Uint16Array(product(seen.size)))
  await slideVolume(model, task, seen.volume(), options, (z, plane) => {
    for (const [c, map] of maps.entries()) {
      const [from, to] = [c * pixels, z * pixels]
      for (let i = 0; i < pixels; i++) map[to + i] = Math.round(STEPS * plane[from + i]!)
    }
  })
  return {
    classes: classes.length,
    map(index) {
      // `Float32Array.from` would lay a list of all samples between.
      const own = new Float32Array(maps[index]!)
      for (let i = 0; i < own.length; i++) own[i]! /= STEPS
      const full = stretch ? stretched(own, imageSize, seen.before) : own
      return preprocessing ? restore(full, size, geometry, preprocessing, 'linear') : full
    },
  }
}

/** The volume as the network sees it, made when it is asked for so that nobody here holds on to it. */
function seenBy({ preprocessing, imageSize }: RunTask, stored: Stored, stretch: boolean) {
  const own = { ...stored, masks: new Uint8Array(0) }
  const whole = preprocessing ? preprocess(own, preprocessing) : own
  let seen: Stored | undefined = stretch ? resizeCase(whole, imageSize) : whole
  return {
    size: seen.size,
    /** Size before it was stretched. */
    before: whole.size,
    volume(): Stored {
      const given = seen!
      seen = undefined
      return given
    },
  }
}

function stretched(map: Float32Array, from: Size, to: Size): Float32Array {
  const resized = scope(() =>
    // Interpolated ones may come out a rounding above 1, which no score takes for a probability.
    F.interpolate(tensor(map, { shape: [1, 1, ...from] }), { size: to, mode: 'trilinear' })
      .clamp(0, 1)
      .contiguous(),
  )
  const data = resized.toTypedArray() as Float32Array
  resized.free()
  return data
}
