import type { MetricEntry } from '@septum/core'
import type { CaseInMemory } from './in-memory.js'
import type { ScoredCase } from './score.js'
import { majority } from './vote.js'
import { type CasePicture, leadingMetric, usualRange, worstPlane } from './worst.js'

/** Keeps what is needed to draw the worst cases while a run goes through many. */
export class WorstKept<T> {
  private kept: { readonly name: string; readonly score: number; readonly content: T }[] = []
  private readonly leading: MetricEntry | undefined

  constructor(
    metrics: readonly MetricEntry[],
    private readonly count: number,
  ) {
    this.leading = leadingMetric({ metrics })
  }

  /** @param make called only where the case is among the worst so far. */
  offer(name: string, { scores }: ScoredCase, make: () => T): void {
    if (!this.leading) return
    const { id, direction } = this.leading
    const values = scores.map((one) => one.values[id]!).filter((value) => !Number.isNaN(value))
    if (values.length === 0) return
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    const score = direction === 'higher' ? mean : -mean
    if (this.kept.length === this.count && score >= this.kept.at(-1)!.score) return
    this.kept = [...this.kept, { name, score, content: make() }]
      .sort((a, b) => a.score - b.score)
      .slice(0, this.count)
  }

  /** What was kept of the cases named, in the order of the names. */
  pictures(names: readonly string[]): T[] {
    return names.flatMap((name) => this.kept.filter((one) => one.name === name).map(({ content }) => content))
  }
}

/** A case in memory as a picture; of a volume the plane on which most voxels are wrong. */
export function pictureInMemory(
  item: CaseInMemory & { readonly image: Float32Array; readonly channels: number },
  method: string,
): CasePicture {
  const { name, width, height, depth = 1, image, channels, classes } = item
  const pixels = width * height
  const truth = classes.map(({ raters }) => majorityOf(raters, depth * pixels))
  const masks = classes.map(({ samples }) => majorityOf(samples, depth * pixels))
  const shown = depth === 1 ? 0 : worstPlane(truth, [masks], depth, pixels)
  const cut = (mask: Uint8Array) => mask.slice(shown * pixels, (shown + 1) * pixels)
  const colours = channels === 3 ? 3 : 1
  const bytes = new Uint8Array(pixels * colours)
  for (let c = 0; c < colours; c++) {
    const plane = image.subarray((c * depth + shown) * pixels, (c * depth + shown + 1) * pixels)
    const [low, high] = depth === 1 ? [0, 1] : usualRange(plane)
    const scale = high > low ? 255 / (high - low) : 0
    for (let i = 0; i < pixels; i++)
      bytes[i * colours + c] = Math.min(255, Math.max(0, Math.round((plane[i]! - low) * scale)))
  }
  return {
    name,
    width,
    height,
    image: bytes,
    plane: depth === 1 ? null : `slice ${shown + 1} of ${depth}`,
    reference: truth.map(cut),
    methods: [{ name: method, masks: masks.map(cut) }],
  }
}

const majorityOf = (masks: readonly Uint8Array[], pixels: number): Uint8Array =>
  masks.length === 0 ? new Uint8Array(pixels) : majority(masks)
