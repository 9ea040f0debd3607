import { F, scope, tensor } from '@septum/torch'
import { centreOffset, preprocess, restore, type Stored } from '../datasets/index.js'
import { resizeCase } from '../datasets/resize.js'
import { cutWindows } from '../datasets/window.js'
import type { SegmentationModel } from '../methods/method.js'
import type { CaseOptions } from './predict-case.js'
import type { RunTask } from './workplace.js'

type Size = readonly number[]
const product = (size: Size): number => size.reduce((a, b) => a * b, 1)

/** Share of a patch that lies between one patch and the next, and width of the weights: nnU-Net's 1/2 and 1/8. */
const STEP = 1 / 2
const SIGMA = 1 / 8

/**
 * Where patches begin along an axis: as few as reach everything with at most half a patch between them, evenly spread.
 * An axis shorter than the patch is padded about its centre, as in training.
 */
export function patchStarts(side: number, patch: number): number[] {
  if (side <= patch) return [centreOffset(side, patch)]
  const steps = Math.ceil((side - patch) / (patch * STEP))
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * (side - patch)) / steps))
}

/** Gaussian weights along an axis, 1 in the middle: borders of a patch see little around them. */
function weightsAlong(side: number): Float32Array {
  const middle = (side - 1) / 2
  return Float32Array.from({ length: side }, (_, i) => Math.exp(-0.5 * ((i - middle) / (side * SIGMA)) ** 2))
}

/**
 * Segments a volume in overlapping patches, whose probabilities are averaged with Gaussian weights (nnU-Net, Isensee et
 * al. 2021), or stretched to the network's size where the run was trained so.
 * @param stored as the file holds it, [C, D, H, W] with the channels that the run was trained on
 * @returns a probability map [D, H, W] for each class, on the grid of the file
 */
export async function predictVolume(
  model: SegmentationModel,
  task: RunTask,
  stored: Stored,
  options: CaseOptions,
): Promise<Float32Array[]> {
  const { preprocessing, classes, imageSize } = task
  const own = { ...stored, masks: new Uint8Array(0) }
  const whole = preprocessing ? preprocess(own, preprocessing) : own
  const seen = options.resize === 'stretch' ? resizeCase(whole, imageSize) : whole
  const maps = await inPatches(model, task, seen, options)
  const back = (map: Float32Array) => {
    const full = options.resize === 'stretch' ? stretched(map, imageSize, whole.size) : map
    return preprocessing ? restore(full, stored.size, stored.geometry, preprocessing, 'linear') : full
  }
  const samples = product(seen.size)
  return classes.map((_, c) => back(maps.subarray(c * samples, (c + 1) * samples)))
}

/** @returns [K, ...size] */
async function inPatches(
  model: SegmentationModel,
  { classes, imageSize: patch }: RunTask,
  volume: Stored,
  { device, seed, index, signal, rule = 'vote' }: CaseOptions,
): Promise<Float32Array> {
  const { size } = volume
  const sums = new Float32Array(classes.length * product(size))
  const weights = new Float32Array(product(size))
  const along = patch.map(weightsAlong)
  const [fronts, tops, lefts] = size.map((side, axis) => patchStarts(side, patch[axis]!)) as [
    number[],
    number[],
    number[],
  ]
  for (const front of fronts) {
    for (const top of tops) {
      for (const left of lefts) {
        signal?.throwIfAborted()
        const cut = cutWindows([volume], [{ front, top, left }], patch)
        const input = tensor(cut.images, { shape: [1, cut.channels, ...patch], device })
        const images = cut.images instanceof Uint8Array ? scope(() => input.float().div_(255)) : input
        try {
          const { probabilities } = await model.predict(images, {
            samples: 1,
            seed,
            firstImage: index,
            rule,
            stages: false,
            signal,
          })
          add(probabilities.data, patch, { sums, weights, size }, [front, top, left], along)
        } finally {
          images.free()
          if (input !== images) input.free()
        }
      }
    }
  }
  for (let c = 0; c < classes.length; c++) {
    for (let i = 0; i < weights.length; i++) sums[c * weights.length + i]! /= weights[i]!
  }
  return sums
}

interface Gathered {
  readonly sums: Float32Array
  readonly weights: Float32Array
  readonly size: Size
}

/** Adds [K, ...patch] at its place; what lies in the padding is dropped. */
function add(
  values: Float32Array,
  patch: Size,
  { sums, weights, size }: Gathered,
  start: readonly [number, number, number],
  along: readonly Float32Array[],
): void {
  const [depth, height, width] = patch as [number, number, number]
  const [wz, wy, wx] = along as [Float32Array, Float32Array, Float32Array]
  const from = start.map((at) => Math.max(0, -at)) as [number, number, number]
  const to = start.map((at, axis) => Math.min(patch[axis]!, size[axis]! - at)) as [number, number, number]
  const classes = values.length / product(patch)
  for (let z = from[0]; z < to[0]; z++) {
    for (let y = from[1]; y < to[1]; y++) {
      const row = ((z + start[0]) * size[1]! + y + start[1]) * size[2]! + start[2]
      const plane = wz[z]! * wy[y]!
      for (let x = from[2]; x < to[2]; x++) {
        const weight = plane * wx[x]!
        weights[row + x]! += weight
        for (let c = 0; c < classes; c++) {
          sums[c * weights.length + row + x]! += weight * values[((c * depth + z) * height + y) * width + x]!
        }
      }
    }
  }
}

function stretched(map: Float32Array, from: Size, to: Size): Float32Array {
  const resized = scope(() =>
    F.interpolate(tensor(map, { shape: [1, 1, ...from] }), { size: to, mode: 'trilinear' }).contiguous(),
  )
  const data = resized.toTypedArray() as Float32Array
  resized.free()
  return data
}
