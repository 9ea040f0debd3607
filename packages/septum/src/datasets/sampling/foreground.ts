import { IGNORE_LABEL } from '../mask-coding.js'

/** Where marked samples of a case lie: plain data. */
export interface Foreground {
  /** Labels that occur, ascending. */
  readonly labels: readonly number[]
  /** For each of them indices into one mask of the case, ascending. */
  readonly places: readonly Uint32Array[]
}

/** nnU-Net keeps 10,000 places of each class. */
const MOST_PLACES = 10_000

/**
 * Finds marked samples: for each label those that any rater gave it, thinned out evenly to at most `most`, so that
 * memory is bounded whatever the volume.
 * @param masks [R, ...size] labels, 0 is background. @param samples samples of one mask.
 */
export function findForeground(masks: Uint8Array, samples: number, most = MOST_PLACES): Foreground {
  const counts = new Float64Array(256)
  for (let i = 0; i < masks.length; i++) counts[masks[i]!]!++
  const labels = Array.from({ length: 255 }, (_, i) => i + 1).filter(
    (label) => counts[label]! > 0 && label !== IGNORE_LABEL,
  )
  const slots = labels.map((label) => new Uint32Array(Math.min(most, counts[label]!)))
  const slotOf = new Int32Array(256).fill(-1)
  for (const [slot, label] of labels.entries()) slotOf[label] = slot
  const seen = labels.map(() => 0)
  const filled = labels.map(() => 0)
  for (let i = 0; i < masks.length; i++) {
    const slot = slotOf[masks[i]!]!
    if (slot < 0) continue
    const places = slots[slot]!
    const count = counts[labels[slot]!]!
    // Number k of count is kept where floor(k · length / count) rises: evenly spread, from the first one on.
    const due = Math.ceil((filled[slot]! * count) / places.length)
    if (seen[slot]!++ === due && filled[slot]! < places.length) places[filled[slot]!++] = i % samples
  }
  return { labels, places: slots.map((places) => places.sort()) }
}
