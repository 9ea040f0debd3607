import type { LabelMap } from '../catalogue.js'
import { distancesBetween } from '../distance/field.js'
import { checkLength, gridOf } from '../grid.js'
import { mostOverlapping, weightedMean } from './object-dice.js'
import { numbered, objectCounts, overlapTable } from './overlap-table.js'

/**
 * Object-level Hausdorff distance of the GlaS challenge (Sirinukunwattana et al. 2017): as object Dice, with the
 * Hausdorff distance of the two regions in place of their Dice; an object that overlaps none is compared with the object
 * at the least Hausdorff distance. Distances run between all pixels of the regions, not between their outlines.
 * @param shape [height, width] or [depth, height, width]. @param spacing default 1.
 * @returns at least 0, in the unit of the spacing. No object on either side 0, on one side NaN.
 * @throws SeptumError `metric-shape`, `metric-spacing`, `instance-labels`.
 */
export function objectHausdorff(
  predicted: LabelMap,
  reference: LabelMap,
  shape: readonly number[],
  spacing?: readonly number[],
): number {
  const grid = gridOf(shape, spacing)
  checkLength(reference, grid.pixels, 'reference instance map')
  const table = overlapTable(predicted, reference)
  const counts = objectCounts(table)
  if (counts.predicted + counts.reference === 0) return 0
  if (counts.predicted === 0 || counts.reference === 0) return Number.NaN
  const size = [grid.depth, grid.height, grid.width] as const
  const a = new Objects(numbered(predicted).numbers, counts.predicted, size)
  const b = new Objects(numbered(reference).numbers, counts.reference, size)
  const known = new Map<number, number>()
  const distance = (p: number, r: number) => {
    const key = p * (counts.reference + 1) + r
    const value = known.get(key) ?? hausdorff(a, p, b, r, grid.spacing)
    known.set(key, value)
    return value
  }
  const { ofPredicted, ofReference } = mostOverlapping(table)
  const bound = (p: number, r: number) => leastDistance(a.box(p), b.box(r), grid.spacing)
  const ofP = (p: number) =>
    ofPredicted[p]! > 0
      ? distance(p, ofPredicted[p]!)
      : nearest(
          counts.reference,
          (r) => bound(p, r),
          (r) => distance(p, r),
        )
  const ofR = (r: number) =>
    ofReference[r]! > 0
      ? distance(ofReference[r]!, r)
      : nearest(
          counts.predicted,
          (p) => bound(p, r),
          (p) => distance(p, r),
        )
  return (weightedMean(table.predictedSizes, ofP) + weightedMean(table.referenceSizes, ofR)) / 2
}

/** Least distance to objects 1 to count; those whose lower bound is no better are not measured. */
function nearest(
  count: number,
  bound: (object: number) => number,
  distance: (object: number) => number,
): number {
  const objects = Array.from({ length: count }, (_, i) => ({ object: i + 1, least: bound(i + 1) }))
  let best = Infinity
  for (const { object, least } of objects.sort((a, b) => a.least - b.least)) {
    if (least >= best) break
    best = Math.min(best, distance(object))
  }
  return best
}

type Triple = readonly [number, number, number]
interface Box {
  readonly low: readonly number[]
  readonly high: readonly number[]
}

/** A label map with the bounding box of each object. */
class Objects {
  private readonly boxes: Int32Array

  constructor(
    readonly numbers: Int32Array,
    count: number,
    readonly size: Triple,
  ) {
    this.boxes = new Int32Array(6 * (count + 1))
    for (let object = 0; object <= count; object++) this.boxes.fill(2 ** 31 - 1, 6 * object, 6 * object + 3)
    const [depth, height, width] = size
    let i = 0
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++, i++) {
          const object = numbers[i]!
          if (object === 0) continue
          this.extend(6 * object, z, y, x)
        }
      }
    }
  }

  private extend(at: number, z: number, y: number, x: number): void {
    const { boxes } = this
    if (z < boxes[at]!) boxes[at] = z
    if (y < boxes[at + 1]!) boxes[at + 1] = y
    if (x < boxes[at + 2]!) boxes[at + 2] = x
    if (z > boxes[at + 3]!) boxes[at + 3] = z
    if (y > boxes[at + 4]!) boxes[at + 4] = y
    if (x > boxes[at + 5]!) boxes[at + 5] = x
  }

  box(object: number): Box {
    const at = 6 * object
    return { low: [...this.boxes.subarray(at, at + 3)], high: [...this.boxes.subarray(at + 3, at + 6)] }
  }

  /** The object as a mask of the pixels from `low` on. */
  crop(object: number, low: readonly number[], extent: Triple): Uint8Array {
    const [, height, width] = this.size
    const [depth, rows, columns] = extent
    const mask = new Uint8Array(depth * rows * columns)
    let to = 0
    for (let z = 0; z < depth; z++) {
      for (let y = 0; y < rows; y++) {
        const from = ((z + low[0]!) * height + y + low[1]!) * width + low[2]!
        for (let x = 0; x < columns; x++, to++) mask[to] = this.numbers[from + x] === object ? 1 : 0
      }
    }
    return mask
  }
}

/** The extreme pixels of two objects are at least as far apart as the sides of their boxes. */
function leastDistance(a: Box, b: Box, spacing: Triple): number {
  return Math.max(
    ...spacing.map(
      (step, axis) =>
        step * Math.max(Math.abs(a.low[axis]! - b.low[axis]!), Math.abs(a.high[axis]! - b.high[axis]!)),
    ),
  )
}

function hausdorff(a: Objects, p: number, b: Objects, r: number, spacing: Triple): number {
  const [boxA, boxB] = [a.box(p), b.box(r)]
  const low = boxA.low.map((v, axis) => Math.min(v, boxB.low[axis]!))
  const extent = boxA.high.map((v, axis) => Math.max(v, boxB.high[axis]!) - low[axis]! + 1)
  const size = extent as unknown as Triple
  const first = a.crop(p, low, size)
  const second = b.crop(r, low, size)
  return Math.max(
    farthest(distancesBetween(first, second, size, spacing)),
    farthest(distancesBetween(second, first, size, spacing)),
  )
}

function farthest(distances: Float64Array): number {
  let most = 0
  for (let i = 0; i < distances.length; i++) if (distances[i]! > most) most = distances[i]!
  return most
}
