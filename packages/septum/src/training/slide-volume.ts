import { scope, tensor } from '@septum/torch'
import { centreOffset, type Stored } from '../datasets/index.js'
import { cutWindows } from '../datasets/window.js'
import type { SegmentationModel, Task } from '../methods/method.js'
import type { CaseOptions } from './predict-case.js'

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

/** Number of patches that a volume is seen in. */
export const patchCount = (size: readonly number[], patch: readonly number[]): number =>
  size.reduce((product, side, axis) => product * patchStarts(side, patch[axis]!).length, 1)

export type SlideOptions = Pick<CaseOptions, 'device' | 'seed' | 'index' | 'rule' | 'signal'>

/**
 * Segments a volume in overlapping patches, whose probabilities are averaged with Gaussian weights (nnU-Net, Isensee et
 * al. 2021). In memory are the planes that a patch is deep.
 * @param volume [C, D, H, W] as the network sees it
 * @param onPlane called once a plane, front to back, with probabilities [classes, H, W] that it may keep
 * @throws the signal's reason when it is aborted
 */
export async function slideVolume(
  model: SegmentationModel,
  { classes, imageSize: patch }: Pick<Task, 'classes' | 'imageSize'>,
  volume: Stored,
  { device, seed, index, rule = 'vote', signal }: SlideOptions,
  onPlane: (z: number, probabilities: Float32Array) => void,
): Promise<void> {
  const { size } = volume
  const axes = size.map((side, axis) => new PatchAxis(side, patch[axis]!)) as [
    PatchAxis,
    PatchAxis,
    PatchAxis,
  ]
  const sums = new PlaneSums(classes.length, axes)
  const [fronts, tops, lefts] = axes.map(({ starts }) => starts) as [number[], number[], number[]]
  for (const [f, front] of fronts.entries()) {
    for (const top of tops) {
      for (const left of lefts) {
        signal?.throwIfAborted()
        const cut = cutWindows([volume], [{ front, top, left }], patch)
        const input = tensor(cut.images, { shape: [1, cut.channels, ...patch], device })
        const images = cut.images instanceof Uint8Array ? scope(() => input.float().div_(255)) : input
        const options = { samples: 1, seed, firstImage: index, rule, stages: false, signal }
        try {
          const { probabilities } = await model.predict(images, options)
          sums.add(probabilities.data, [front, top, left])
        } finally {
          images.free()
          if (input !== images) input.free()
        }
        // Signals and the terminal get their turn between patches.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    sums.finish(fronts[f + 1] ?? size[0]!, onPlane)
  }
}

/** Patches and their weights along one axis. */
class PatchAxis {
  readonly starts: number[]
  /** Of the samples of a patch, 1 in the middle: borders of a patch see little around them. */
  readonly weights: Float64Array
  /** Of all patches together, for each sample of the axis; the weight of a voxel is the product of three. */
  readonly total: Float64Array

  constructor(
    readonly side: number,
    readonly patch: number,
  ) {
    this.starts = patchStarts(side, patch)
    const middle = (patch - 1) / 2
    this.weights = Float64Array.from({ length: patch }, (_, i) =>
      Math.exp(-0.5 * ((i - middle) / (patch * SIGMA)) ** 2),
    )
    this.total = new Float64Array(side)
    for (const start of this.starts) {
      for (let i = Math.max(0, -start); i < Math.min(patch, side - start); i++)
        this.total[start + i]! += this.weights[i]!
    }
  }
}

/** Weighted sums of the planes that patches still reach. */
class PlaneSums {
  /** [classes, H, W] each, from plane `first` on. */
  private readonly planes: Float32Array[] = []
  private first = 0

  constructor(
    private readonly classes: number,
    private readonly axes: readonly [PatchAxis, PatchAxis, PatchAxis],
  ) {}

  /** Adds [classes, ...patch] at its place; what lies in the padding is dropped. */
  add(values: Float32Array, start: readonly [number, number, number]): void {
    const [az, ay, ax] = this.axes
    const pixels = ay.side * ax.side
    const ends = this.axes.map(({ patch, side }, axis) => Math.min(patch, side - start[axis]!))
    const [z1, y1, x1] = ends as [number, number, number]
    const x0 = Math.max(0, -start[2])
    for (let z = Math.max(0, -start[0]); z < z1; z++) {
      const plane = this.plane(z + start[0])
      for (let y = Math.max(0, -start[1]); y < y1; y++) {
        const row = (y + start[1]) * ax.side + start[2]
        const weight = az.weights[z]! * ay.weights[y]!
        for (let c = 0; c < this.classes; c++) {
          const from = ((c * az.patch + z) * ay.patch + y) * ax.patch
          const to = c * pixels + row
          for (let x = x0; x < x1; x++) plane[to + x]! += weight * ax.weights[x]! * values[from + x]!
        }
      }
    }
  }

  /** Hands out the planes before `end`, divided by their weights. */
  finish(end: number, onPlane: (z: number, probabilities: Float32Array) => void): void {
    const [az, ay, ax] = this.axes
    for (; this.first < end; this.first++) {
      const plane = this.plane(this.first)
      for (let row = 0; row < this.classes * ay.side; row++) {
        const weight = az.total[this.first]! * ay.total[row % ay.side]!
        for (let x = 0; x < ax.side; x++) plane[row * ax.side + x]! /= weight * ax.total[x]!
      }
      this.planes.shift()
      onPlane(this.first, plane)
    }
  }

  private plane(z: number): Float32Array {
    const [, ay, ax] = this.axes
    while (this.planes.length <= z - this.first)
      this.planes.push(new Float32Array(this.classes * ay.side * ax.side))
    return this.planes[z - this.first]!
  }
}
