import {
  type Connectivity,
  type LabelledClass,
  labelComponents,
  labelsOfClass,
  maskOfClass,
} from '@septum/core'

/** Components of a class that are taken away. */
export interface ClassCleaning {
  /** All but the largest component; of equal ones the first in raster order stays. */
  readonly keepLargest: boolean
  /** Components of fewer samples go. */
  readonly leastSamples: number
}

/** Samples that touch, by a corner too: what tools of the field call full connectivity. */
export const fullConnectivity = (size: readonly number[]): Connectivity => (size.length === 3 ? 26 : 8)

/** Number of samples of each component of a mask, in raster order of their first samples. */
export function componentSizes(labels: Int32Array, count: number): Float64Array {
  const sizes = new Float64Array(count + 1)
  for (let i = 0; i < labels.length; i++) sizes[labels[i]!]!++
  return sizes.subarray(1)
}

/**
 * Takes components away from a label map, class by class, in place; what goes becomes background, or, of a region within
 * another, that one.
 * @param labels [...size]. @param cleaning one entry for each class; undefined leaves it. @param classes of the map;
 * default label i + 1 for class i. @param order of regions, as they are painted.
 */
export function cleanLabels(
  labels: Uint8Array,
  size: readonly number[],
  cleaning: readonly (ClassCleaning | undefined)[],
  classes: readonly LabelledClass[] = cleaning.map((_, index) => ({ label: index + 1 })),
  order: readonly number[] = cleaning.map((_, index) => index),
): void {
  for (const [turn, index] of order.entries()) {
    const rule = cleaning[index]
    if (!rule || (!rule.keepLargest && rule.leastSamples <= 1)) continue
    const mask = maskOfClass(labels, classes[index]!)
    const { labels: components, count } = labelComponents(mask, size, fullConnectivity(size))
    const sizes = componentSizes(components, count)
    let largest = 0
    for (let c = 1; c < count; c++) if (sizes[c]! > sizes[largest]!) largest = c
    const stays = Uint8Array.from(sizes, (samples, c) =>
      samples >= rule.leastSamples && (!rule.keepLargest || c === largest) ? 1 : 0,
    )
    const beneath = order.slice(0, turn).map((c) => classes[c]!)
    const left = Uint8Array.from({ length: 256 }, (_, label) => {
      const around = beneath.findLast((entry) => labelsOfClass(entry).includes(label))
      return around?.label ?? 0
    })
    for (let i = 0; i < labels.length; i++) {
      const component = components[i]!
      if (component > 0 && stays[component - 1] === 0) labels[i] = left[labels[i]!]!
    }
  }
}
