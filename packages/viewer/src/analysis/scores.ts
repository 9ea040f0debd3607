import { type MultiRaterScores, measureCase, metricCatalogue, multiRaterScores, packMask } from '@septum/core'

/** One line of the table beside the raters. */
export interface Score {
  readonly id: string
  readonly title: string
  readonly description: string
  /** NaN: undefined for these masks. */
  readonly value: number
  readonly better: 'higher' | 'lower' | 'none'
  readonly length: boolean
}

const ofSets = ['ged', 'hmIou', 'dMax', 'softDice'] as const satisfies readonly (keyof MultiRaterScores)[]
const ofConsensus = ['dice', 'iou', 'hd95'] as const

/**
 * The samples against the raters as sets, and the consensus against the raters' majority.
 * @param spacing [y, x] in mm; null: distances in pixels.
 */
export function scoresOf(
  samples: readonly Uint8Array[],
  consensus: Uint8Array,
  raters: readonly Uint8Array[],
  shape: readonly [number, number],
  spacing: readonly [number, number] | null,
): { readonly sets: readonly Score[]; readonly consensus: readonly Score[] } {
  const pack = (masks: readonly Uint8Array[]) => masks.map((mask) => packMask(mask))
  const sets = multiRaterScores(pack(samples), pack(raters))
  const { values } = measureCase(ofConsensus, {
    shape,
    ...(spacing && { spacing }),
    prediction: consensus,
    raters,
  })
  return {
    sets: samples.length > 1 ? ofSets.map((id) => score(id, sets[id])) : [],
    consensus: ofConsensus.map((id) => score(id, values[id]!.value)),
  }
}

/** Mean IoU of all pairs of different masks; NaN for fewer than two. */
export function agreement(masks: readonly Uint8Array[]): number {
  if (masks.length < 2) return Number.NaN
  const packed = masks.map((mask) => packMask(mask))
  const n = masks.length
  // The diversity's mean takes every ordered pair, a mask with itself included (distance 0).
  return 1 - (multiRaterScores(packed, packed).sampleDiversity * n) / (n - 1)
}

function score(id: string, value: number): Score {
  const { title, description, direction, unit } = metricCatalogue.get(id)!
  return { id, title, description, value, better: direction, length: unit === 'length' }
}
