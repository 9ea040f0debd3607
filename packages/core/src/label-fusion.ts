/** How probabilities of classes become one label for each sample. */
export interface LabelRule {
  /** The label of each class, from 1 to 255. */
  readonly labels: readonly number[]
  /**
   * Classes, from 0, in the order in which they are painted, a later one over an earlier one: of regions, which may
   * overlap (nnU-Net's `regions_class_order`). Absent: classes exclude each other, the most probable one counts.
   */
  readonly order?: readonly number[]
}

/** A class of a label map: its own label, and of a region all labels that lie in it. */
export interface LabelledClass {
  readonly label: number
  readonly region?: readonly number[]
}

/** Labels of samples that belong to a class. */
export const labelsOfClass = ({ label, region = [label] }: LabelledClass): readonly number[] => region

/** @param labels label map. @returns 1 where the class is, in the length of the map. */
export function maskOfClass(labels: ArrayLike<number>, entry: LabelledClass): Uint8Array {
  const mask = new Uint8Array(labels.length)
  const own = labelsOfClass(entry)
  if (own.length === 1) {
    for (let i = 0; i < mask.length; i++) if (labels[i] === own[0]) mask[i] = 1
    return mask
  }
  const wanted = new Set(own)
  for (let i = 0; i < mask.length; i++) if (wanted.has(labels[i]!)) mask[i] = 1
  return mask
}

/** A mask for each class one after the other, as files take them whose masks may overlap. @returns [classes, ...size] */
export function stackedMasks(labels: ArrayLike<number>, classes: readonly LabelledClass[]): Uint8Array {
  const masks = new Uint8Array(classes.length * labels.length)
  for (const [c, entry] of classes.entries()) masks.set(maskOfClass(labels, entry), c * labels.length)
  return masks
}

/**
 * One label map, built class by class in any order: the most probable class above one half, the first of equal ones; with
 * `LabelRule.order` the one painted last among those above one half.
 */
export class LabelFusion {
  readonly labels: Uint8Array
  readonly #values: readonly number[]
  /** Turn of each class, from 1; null where classes exclude each other. */
  readonly #turns: readonly number[] | null
  /** By sample: turn of the class that is painted there, or its probability. */
  readonly #best: Uint8Array | Float32Array
  /** By sample, number of the class there from 1: breaks ties of probability. */
  readonly #shown: Uint8Array | null

  constructor(samples: number, { labels, order }: LabelRule) {
    this.labels = new Uint8Array(samples)
    this.#values = labels
    this.#turns = order ? labels.map((_, c) => order.indexOf(c) + 1) : null
    this.#best = order ? new Uint8Array(samples) : new Float32Array(samples).fill(0.5)
    this.#shown = order ? null : new Uint8Array(samples)
  }

  /** @param map probabilities of class `index`, from 0. */
  add(index: number, map: Float32Array | Uint8Array): void {
    const { labels } = this
    const value = this.#values[index]!
    const best = this.#best
    const shown = this.#shown
    if (!shown) {
      const turn = this.#turns![index]!
      for (let i = 0; i < labels.length; i++) {
        if (map[i]! > 0.5 && turn > best[i]!) {
          best[i] = turn
          labels[i] = value
        }
      }
      return
    }
    for (let i = 0; i < labels.length; i++) {
      const p = map[i]!
      // The first class of a tie, whatever the order.
      if (p > best[i]! || (p === best[i] && shown[i]! > index + 1)) {
        best[i] = p
        shown[i] = index + 1
        labels[i] = value
      }
    }
  }
}
