type Regions = readonly (readonly number[])[]

/**
 * The label that marks each class in a mask of one label a sample: i + 1 for class i. Of regions, which may overlap, a
 * label that lies in the region and in none of fewer labels, so that the mask read by the labels of the data set gives
 * nested regions back: with whole = 1 + 2 + 3, core = 1 + 3 and enhancing = 3 those are 2, 1 and 3.
 */
export function classLabels(classes: number, regions?: Regions): number[] {
  if (!regions) return Array.from({ length: classes }, (_, c) => c + 1)
  return regions.map((own) => {
    const inner = regions.filter((other) => other.length < own.length).flat()
    return own.find((label) => !inner.includes(label)) ?? own[0]!
  })
}

/**
 * One label map, built class by class: the most probable class above one half. Of regions the one of the fewest labels:
 * a core shows within the whole. Labels are those of {@link classLabels}.
 */
export class LabelFusion {
  readonly labels: Uint8Array
  readonly #values: readonly number[]
  /** By label, how far inside a region lies; of plain classes nothing. */
  readonly #ranks: ReadonlyMap<number, number> | null
  readonly #best: Float32Array

  constructor(samples: number, classes: number, regions?: Regions) {
    this.labels = new Uint8Array(samples)
    this.#values = classLabels(classes, regions)
    this.#best = regions ? new Float32Array(0) : new Float32Array(samples).fill(0.5)
    const order = regions
      ?.map((own, c) => ({ size: own.length, c }))
      .sort((a, b) => b.size - a.size || a.c - b.c)
      .map(({ c }, rank) => [this.#values[c]!, rank + 1] as const)
    this.#ranks = order ? new Map([[0, 0], ...order]) : null
  }

  /** @param map probabilities of class `index`, in any order of the classes. */
  add(index: number, map: ArrayLike<number>): void {
    const { labels } = this
    const value = this.#values[index]!
    if (this.#ranks) {
      const ranks = Uint8Array.from({ length: 256 }, (_, label) => this.#ranks!.get(label) ?? 0)
      const own = ranks[value]!
      for (let i = 0; i < labels.length; i++) if (map[i]! > 0.5 && own > ranks[labels[i]!]!) labels[i] = value
      return
    }
    const best = this.#best
    for (let i = 0; i < labels.length; i++) {
      // The first class of a tie, whatever the order.
      if (map[i]! > best[i]! || (map[i] === best[i] && labels[i]! > value)) {
        best[i] = map[i]!
        labels[i] = value
      }
    }
  }
}

/** As {@link LabelFusion}. @param maps of each class, all of one length @param regions labels of each class */
export function labelMap(maps: readonly Float32Array[], regions?: Regions): Uint8Array {
  const fusion = new LabelFusion(maps[0]!.length, maps.length, regions)
  for (const [c, map] of maps.entries()) fusion.add(c, map)
  return fusion.labels
}
