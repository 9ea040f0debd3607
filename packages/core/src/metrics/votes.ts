import { SeptumError } from '../error.js'
import { type BitMask, popcount } from './bit-mask.js'

/** Binary digits of the number of masks that mark each pixel: word i of `planes[b]` holds digit b. */
export interface VoteCounts {
  readonly planes: readonly Uint32Array[]
  readonly masks: number
  readonly length: number
}

/**
 * Counts for every pixel how many masks mark it, 32 pixels at a time (a ripple-carry adder over words).
 * @throws SeptumError `mask-size` when sizes differ, `mask-none` for an empty list.
 */
export function countVotes(masks: readonly BitMask[]): VoteCounts {
  const first = masks[0]
  if (!first) throw new SeptumError('mask-none', 'There is no mask to count', 'Give at least one mask.')
  const words = first.words.length
  const planes = Array.from({ length: 32 - Math.clz32(masks.length) }, () => new Uint32Array(words))
  for (const mask of masks) {
    if (mask.length !== first.length) {
      throw new SeptumError(
        'mask-size',
        `Masks of ${first.length} and ${mask.length} pixels cannot be counted together`,
        'Bring all masks of one image to one size.',
      )
    }
    for (let i = 0; i < words; i++) {
      let carry = mask.words[i]!
      for (let digit = 0; carry !== 0; digit++) {
        const plane = planes[digit]!
        const before = plane[i]!
        plane[i] = before ^ carry
        carry &= before
      }
    }
  }
  return { planes, masks: masks.length, length: first.length }
}

/** The mask of the pixels that more than `share` of the masks mark (count / masks > share, 0 <= share). */
export function votedMask(votes: VoteCounts, share: number): BitMask {
  let least = 1
  while (least <= votes.masks && !(least / votes.masks > share)) least++
  const words = new Uint32Array(votes.planes[0]!.length)
  if (least > votes.masks) return { words, length: votes.length, count: 0 }
  let count = 0
  for (let i = 0; i < words.length; i++) {
    let above = 0
    let equal = ~0
    for (let digit = votes.planes.length - 1; digit >= 0; digit--) {
      const plane = votes.planes[digit]![i]!
      if ((least >>> digit) & 1) equal &= plane
      else {
        above |= equal & plane
        equal &= ~plane
      }
    }
    // The padding bits count 0 votes, less than `least`, so they stay 0.
    words[i] = above | equal
    count += popcount(above | equal)
  }
  return { words, length: votes.length, count }
}
