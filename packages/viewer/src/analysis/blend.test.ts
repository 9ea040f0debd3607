import { describe, expect, it } from 'vitest'
import { blendOf, maskAbove, thresholdFor, votesNeeded } from './blend.js'
import { agreement, scoresOf } from './scores.js'

const samples = [Uint8Array.of(1, 1, 0, 0), Uint8Array.of(1, 0, 0, 0), Uint8Array.of(1, 1, 1, 0)]
const maps = { samples, probability: Float32Array.of(1, 2 / 3, 1 / 3, 0) }

describe('blendOf', () => {
  it('counts the votes of the samples that are in it', () => {
    expect([...blendOf(maps, []).probability]).toEqual([1, Math.fround(2 / 3), Math.fround(1 / 3), 0])
    const two = blendOf(maps, [0])
    expect(two.count).toBe(2)
    expect([...two.probability]).toEqual([1, 0.5, 0.5, 0])
    // One bit where the votes are split evenly, none where all agree.
    expect([...two.uncertainty]).toEqual([0, 1, 1, 0])
  })

  it('takes the probability of a method that gives one mask', () => {
    const one = blendOf({ samples: [samples[0]!], probability: Float32Array.of(1, 0.5, 0.25, 0) }, [])
    // 4p(1 - p)
    expect([...one.uncertainty]).toEqual([0, 1, 0.75, 0])
  })
})

describe('threshold', () => {
  it('one half is a strict majority', () => {
    expect([1, 2, 3, 8].map((count) => votesNeeded(0.5, count))).toEqual([1, 2, 2, 5])
  })

  it.each([1, 2, 3, 7, 8, 16, 32])('every number of votes of %i can be set and comes back', (count) => {
    for (let votes = 1; votes <= count; votes++) {
      const threshold = thresholdFor(votes, count)
      expect(votesNeeded(threshold, count)).toBe(votes)
      const shares = Float32Array.from({ length: count + 1 }, (_, k) => k / count)
      expect(maskAbove(shares, threshold).indexOf(1)).toBe(votes)
    }
  })
})

describe('scores', () => {
  it('agreement is the mean IoU of different masks', () => {
    // IoU of the pairs: 1/2, 2/3, 1/3.
    expect(agreement(samples)).toBeCloseTo((1 / 2 + 2 / 3 + 1 / 3) / 3, 12)
    expect(agreement(samples.slice(0, 1))).toBeNaN()
  })

  it('compares the consensus with the majority and the set with the set', () => {
    const { consensus, sets } = scoresOf(
      samples,
      samples[0]!,
      [samples[1]!, samples[1]!, samples[2]!],
      [2, 2],
      null,
    )
    // Majority of the raters: the first pixel. Consensus: the first two. Dice 2 * 1 / 3, IoU 1 / 2.
    expect(consensus.find(({ id }) => id === 'dice')?.value).toBeCloseTo(2 / 3, 12)
    expect(consensus.find(({ id }) => id === 'iou')?.value).toBeCloseTo(1 / 2, 12)
    // Mean distance between the sets: rows of IoU (1/2, 1/2, 2/3), (1, 1, 1/3), (1/3, 1/3, 1), mean 17/27.
    // Within the samples: distances 1/2, 1/3, 2/3 twice over 9 = 1/3. Within the raters: 4 * 2/3 / 9 = 8/27.
    expect(sets.find(({ id }) => id === 'ged')?.value).toBeCloseTo(2 * (10 / 27) - 1 / 3 - 8 / 27, 12)
  })
})
