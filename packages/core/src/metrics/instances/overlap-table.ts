import { SeptumError } from '../../error.js'
import type { LabelMap } from '../catalogue.js'
import { checkLength } from '../grid.js'

/**
 * How the objects of two label maps lie on each other. Objects are numbered 1 to n in ascending order of their
 * labels; number 0 is the background of a map and has a size as well.
 */
export interface OverlapTable {
  readonly pixels: number
  /** Pixels of each predicted object; index 0: background. */
  readonly predictedSizes: Int32Array
  readonly referenceSizes: Int32Array
  /** Labels of the objects in the maps; index 0: 0. */
  readonly predictedLabels: Float64Array
  readonly referenceLabels: Float64Array
  /** Every pair of numbers that share pixels, background included, ascending by prediction, then reference. */
  readonly pairs: readonly Overlap[]
}

export interface Overlap {
  readonly predicted: number
  readonly reference: number
  /** Common pixels. */
  readonly both: number
}

/**
 * Counts sizes and common pixels of two label maps in one pass.
 * @param predicted, reference whole numbers from 0 (background), in the same order of pixels; the labels need not be
 * consecutive, and pixels of one label are one object even when they do not touch.
 * @throws SeptumError `metric-shape`, or `instance-labels` for a negative label.
 */
export function overlapTable(predicted: LabelMap, reference: LabelMap): OverlapTable {
  checkLength(predicted, reference.length, 'predicted label map')
  const a = numbered(predicted)
  const b = numbered(reference)
  const columns = b.sizes.length
  const cells = a.sizes.length * columns
  const pairs: Overlap[] = []
  const add = (key: number, both: number) =>
    pairs.push({ predicted: Math.floor(key / columns), reference: key % columns, both })
  if (cells <= Math.max(DENSE_CELLS, 4 * a.numbers.length)) {
    const counts = new Int32Array(cells)
    for (let i = 0; i < a.numbers.length; i++) counts[a.numbers[i]! * columns + b.numbers[i]!]!++
    for (let key = 0; key < cells; key++) if (counts[key]! > 0) add(key, counts[key]!)
  } else {
    const counts = new Map<number, number>()
    for (let i = 0; i < a.numbers.length; i++) {
      const key = a.numbers[i]! * columns + b.numbers[i]!
      counts.set(key, (counts.get(key) ?? 0) + 1)
    }
    for (const [key, both] of [...counts].sort(([x], [y]) => x - y)) add(key, both)
  }
  return {
    pixels: reference.length,
    predictedSizes: a.sizes,
    referenceSizes: b.sizes,
    predictedLabels: a.labels,
    referenceLabels: b.labels,
    pairs,
  }
}

/** Up to here a full table of counts is as cheap as a map of the pairs that occur. */
const DENSE_CELLS = 1 << 16
/** Labels up to here are looked up in an array. */
const SMALL_LABELS = 1 << 22

/** Objects of a map as numbers 0 (background), 1, 2, ... in ascending order of the labels. */
export function numbered(map: LabelMap): { numbers: Int32Array; sizes: Int32Array; labels: Float64Array } {
  let largest = 0
  for (let i = 0; i < map.length; i++) {
    const label = map[i]!
    if (label < 0) {
      throw new SeptumError(
        'instance-labels',
        `Pixel ${i} of the instance map has the label ${label}`,
        'Number objects from 1 and give background 0.',
      )
    }
    if (label > largest) largest = label
  }
  return largest < SMALL_LABELS ? byArray(map, largest) : byMap(map)
}

function byArray(map: LabelMap, largest: number) {
  const counts = new Int32Array(largest + 1)
  for (let i = 0; i < map.length; i++) counts[map[i]!]!++
  const labels = [0]
  for (let label = 1; label <= largest; label++) if (counts[label]! > 0) labels.push(label)
  const number = new Int32Array(largest + 1)
  labels.forEach((label, n) => {
    number[label] = n
  })
  const numbers = new Int32Array(map.length)
  for (let i = 0; i < map.length; i++) numbers[i] = number[map[i]!]!
  return {
    numbers,
    sizes: Int32Array.from(labels, (label) => counts[label]!),
    labels: Float64Array.from(labels),
  }
}

function byMap(map: LabelMap) {
  const labels = [...new Set<number>(map).add(0)].sort((a, b) => a - b)
  const number = new Map(labels.map((label, n) => [label, n]))
  const numbers = new Int32Array(map.length)
  const sizes = new Int32Array(labels.length)
  for (let i = 0; i < map.length; i++) {
    numbers[i] = number.get(map[i]!)!
    sizes[numbers[i]!]!++
  }
  return { numbers, sizes, labels: Float64Array.from(labels) }
}

/** The overlaps of objects with objects. */
export function objectPairs({ pairs }: OverlapTable): Overlap[] {
  return pairs.filter(({ predicted, reference }) => predicted > 0 && reference > 0)
}

/** Intersection over union of the objects of a pair. */
export function pairIou(table: OverlapTable, { predicted, reference, both }: Overlap): number {
  return both / (table.predictedSizes[predicted]! + table.referenceSizes[reference]! - both)
}

/** Number of objects on each side. */
export function objectCounts(table: OverlapTable): { predicted: number; reference: number } {
  return { predicted: table.predictedSizes.length - 1, reference: table.referenceSizes.length - 1 }
}
