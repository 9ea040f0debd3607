interface Chunk {
  readonly places: Uint32Array
  readonly probability: Float32Array
  readonly uncertainty: Float32Array
}

/**
 * Probability and uncertainty where a class is marked, plane by plane, to be summed over what is left of it once small
 * components are gone: 12 bytes for each marked sample.
 */
export class MarkedSums {
  private readonly chunks: Chunk[][]

  /** @param marks for each class 1 at the labels that belong to it, else 0. */
  constructor(private readonly marks: readonly Uint8Array[]) {
    this.chunks = marks.map(() => [])
  }

  /** @param start place of the plane's first sample in the whole. */
  add(
    index: number,
    plane: Uint8Array,
    start: number,
    probability: Float32Array,
    doubts: Float32Array,
  ): void {
    const own = this.marks[index]!
    let count = 0
    for (let i = 0; i < plane.length; i++) count += own[plane[i]!]!
    if (count === 0) return
    const at = new Uint32Array(count)
    for (let i = 0, n = 0; i < plane.length; i++) if (own[plane[i]!] === 1) at[n++] = i
    this.chunks[index]!.push({
      places: at.map((i) => start + i),
      probability: Float32Array.from(at, (i) => probability[i]!),
      uncertainty: Float32Array.from(at, (i) => doubts[i]!),
    })
  }

  /** Sums of each class over the samples that `labels` gives it; it gives none that was not marked when added. */
  over(labels: Uint8Array): { probability: Float64Array; uncertainty: Float64Array } {
    const sums = {
      probability: new Float64Array(this.marks.length),
      uncertainty: new Float64Array(this.marks.length),
    }
    for (const [index, own] of this.marks.entries()) {
      for (const { places, probability, uncertainty } of this.chunks[index]!) {
        for (let i = 0; i < places.length; i++) {
          if (own[labels[places[i]!]!] === 0) continue
          sums.probability[index]! += probability[i]!
          sums.uncertainty[index]! += uncertainty[i]!
        }
      }
    }
    return sums
  }
}
